import { make, needed } from './make.ts'
import type { ObjectName } from './ports.ts'
import { type Entry, tagsOf } from './registry.ts'
import type { Stage } from './stage.ts'

/** Of the bucket names' 63 characters most are left for what they say. */
const SUFFIX_LENGTH = 12

/** A name that nobody else has, of the ID of its entry. */
export function ownName({ useCase }: Stage, id: string): string {
  return `keytrail-demo-${useCase}-${id.slice(0, SUFFIX_LENGTH)}`
}

/** A bucket for this run. */
export function makeBucket(stage: Stage): Promise<string> {
  return make(stage, {
    kind: 's3-bucket',
    name: (id) => ownName(stage, id),
    async make(planned) {
      needed(`the bucket ${planned.name} cannot be made`, await stage.aws.s3.createBucket(planned.name, tagsOf(planned)))
      return planned.name
    },
  })
}

/** Notes an object before it is put, in whatever way the lesson puts it. */
export async function noteObject(stage: Stage, { bucket, key }: ObjectName): Promise<void> {
  await note(stage, 's3-object', `${bucket}/${key}`)
}

/** A role for this run, with this trust policy. */
export async function makeRole(stage: Stage, trust: string): Promise<{ readonly name: string; readonly arn: string }> {
  const { roles } = stage.aws
  let arn = ''
  const name = await make(stage, {
    kind: 'iam-role',
    name: (id) => ownName(stage, id),
    async make(planned) {
      arn = needed(`the role ${planned.name} cannot be made`, await roles.create({ name: planned.name, trust, tags: tagsOf(planned) }))
      return planned.name
    },
  })
  return { name, arn }
}

/** Notes a training job before it is submitted. */
export async function noteTrainingJob(stage: Stage, name: string): Promise<void> {
  await note(stage, 'training-job', name)
}

/** A file in the folder of the use case. */
export async function makeFile(stage: Stage, name: string, bytes: Uint8Array): Promise<void> {
  await note(stage, 'file', `${stage.files.folder}/${name}`)
  stage.files.write(name, bytes)
}

/** A file to begin with: what stands there under this name is somebody's own and stays; else it is made. */
export async function inputFile(stage: Stage, name: string, bytes: Uint8Array): Promise<Uint8Array> {
  const found = stage.files.read(name)
  if (found !== null) return found
  await makeFile(stage, name, bytes)
  return bytes
}

/** False as well if one is missing. */
export function isSameFile({ files }: Stage, name: string, otherName: string): boolean {
  const [one, other] = [files.read(name), files.read(otherName)]
  return one !== null && other !== null && Buffer.from(one).equals(other)
}

async function note(stage: Stage, kind: Entry['kind'], name: string): Promise<void> {
  await make(stage, { kind, name: () => name, make: () => Promise.resolve(name) })
}
