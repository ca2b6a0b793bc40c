import type { RetirementStage } from '../../shared/changes/retire/retirement.ts'

const WORDS: Readonly<Record<RetirementStage, string>> = {
  disabling: 'disabling: it is being disabled',
  watching: 'watching: it is disabled, and nobody may try to use it for a while',
  freeing: 'freeing: its aliases are being taken away',
  scheduling: 'scheduling: its deletion is being scheduled',
  scheduled: 'scheduled: KMS will delete it',
  deleted: 'deleted',
  saving: 'saving: it is being given back',
  saved: 'saved: it was given back',
  stopped: 'stopped: a person has to look',
}

/** How far the retirement of a key is; null: none was begun. */
export function stageWords(stage: RetirementStage | null): string {
  return stage === null ? 'not being retired' : WORDS[stage]
}
