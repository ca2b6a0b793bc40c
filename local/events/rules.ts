import type { DatabaseSync } from 'node:sqlite'
import { isJsonObject, type JsonObject } from '../../shared/json.ts'
import { RULE_STATES, type RuleState } from './event-kind.ts'

/** A rule of the default bus of a Region. */
export type Rule = {
  readonly region: string
  readonly name: string
  readonly arn: string
  readonly pattern: string | null
  readonly schedule: string | null
  readonly state: RuleState
  readonly description: string | null
  readonly roleArn: string | null
  /** Where a rate() counts from. */
  readonly scheduledFromMs: number
}

/** As PutTargets took it: at least `Id` and `Arn`. */
export type Target = JsonObject & { readonly Id: string; readonly Arn: string }

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
export const RULES_PER_BUS_MAX = 300
export const TARGETS_PER_RULE_MAX = 5

/** The rules and targets in the database: nothing is kept in memory, so whoever asks sees what was written last. */
export type Rules = {
  put(rule: Rule): void
  find(region: string, name: string): Rule | null
  /** Of a Region, by name, after a name. */
  list(region: string, options: { readonly prefix: string; readonly after: string; readonly limit: number }): readonly Rule[]
  /** Those with a pattern in a Region. */
  withPattern(region: string): readonly Rule[]
  /** Those with a schedule in every Region, disabled ones left out. */
  scheduled(): readonly Rule[]
  count(region: string): number
  remove(rule: Rule): void
  setState(rule: Rule, state: RuleState): void
  targets(rule: Rule): readonly Target[]
  putTargets(rule: Rule, targets: readonly Target[]): void
  /** The ids that there were no targets for. */
  removeTargets(rule: Rule, ids: readonly string[]): readonly string[]
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events_rules (
    region TEXT NOT NULL, name TEXT NOT NULL, arn TEXT NOT NULL, pattern TEXT, schedule TEXT, state TEXT NOT NULL,
    description TEXT, role_arn TEXT, scheduled_from_ms INTEGER NOT NULL, PRIMARY KEY (region, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events_targets (
    region TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (region, rule, id)
  ) STRICT;
`

export function createRules(db: DatabaseSync): Rules {
  db.exec(SCHEMA)
  const sql = {
    put: db.prepare('INSERT OR REPLACE INTO events_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    find: db.prepare('SELECT * FROM events_rules WHERE region = ? AND name = ?'),
    list: db.prepare(
      'SELECT * FROM events_rules WHERE region = ?1 AND name > ?2 AND substr(name, 1, length(?3)) = ?3 ORDER BY name LIMIT ?4',
    ),
    withPattern: db.prepare('SELECT * FROM events_rules WHERE region = ? AND pattern IS NOT NULL ORDER BY name'),
    scheduled: db.prepare("SELECT * FROM events_rules WHERE schedule IS NOT NULL AND state <> 'DISABLED' ORDER BY region, name"),
    count: db.prepare('SELECT count(*) AS total FROM events_rules WHERE region = ?'),
    remove: db.prepare('DELETE FROM events_rules WHERE region = ? AND name = ?'),
    setState: db.prepare('UPDATE events_rules SET state = ? WHERE region = ? AND name = ?'),
    targets: db.prepare('SELECT target FROM events_targets WHERE region = ? AND rule = ? ORDER BY id'),
    putTarget: db.prepare('INSERT OR REPLACE INTO events_targets VALUES (?, ?, ?, ?)'),
    removeTarget: db.prepare('DELETE FROM events_targets WHERE region = ? AND rule = ? AND id = ?'),
  }
  return {
    put: (rule) => {
      const { region, name, arn, pattern, schedule, state, description, roleArn, scheduledFromMs } = rule
      sql.put.run(region, name, arn, pattern, schedule, state, description, roleArn, scheduledFromMs)
    },
    find: (region, name) => {
      const row = sql.find.get(region, name)
      return row === undefined ? null : ruleOf(row)
    },
    list: (region, { prefix, after, limit }) => sql.list.all(region, after, prefix, limit).map(ruleOf),
    withPattern: (region) => sql.withPattern.all(region).map(ruleOf),
    scheduled: () => sql.scheduled.all().map(ruleOf),
    count: (region) => Number(sql.count.get(region)?.['total'] ?? 0),
    remove: ({ region, name }) => {
      sql.remove.run(region, name)
    },
    setState: ({ region, name }, state) => {
      sql.setState.run(state, region, name)
    },
    targets: ({ region, name }) => sql.targets.all(region, name).map(({ target }) => targetOf(String(target))),
    putTargets: ({ region, name }, targets) => {
      for (const target of targets) sql.putTarget.run(region, name, target.Id, JSON.stringify(target))
    },
    removeTargets: ({ region, name }, ids) => ids.filter((id) => sql.removeTarget.run(region, name, id).changes === 0),
  }
}

function ruleOf(row: JsonObject): Rule {
  const text = (name: string): string => String(row[name])
  const textOrNull = (name: string): string | null => (typeof row[name] === 'string' ? row[name] : null)
  return {
    region: text('region'),
    name: text('name'),
    arn: text('arn'),
    pattern: textOrNull('pattern'),
    schedule: textOrNull('schedule'),
    state: RULE_STATES.find((state) => state === row['state']) ?? 'DISABLED',
    description: textOrNull('description'),
    roleArn: textOrNull('role_arn'),
    scheduledFromMs: Number(row['scheduled_from_ms']),
  }
}

function targetOf(text: string): Target {
  const value: unknown = JSON.parse(text)
  if (!isJsonObject(value) || typeof value['Id'] !== 'string' || typeof value['Arn'] !== 'string') {
    throw new Error('events_targets holds no target: the database was changed by something else')
  }
  return { ...value, Id: value['Id'], Arn: value['Arn'] }
}
