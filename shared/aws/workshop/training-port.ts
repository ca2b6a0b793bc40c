import { CreateTrainingJobCommand, type SageMakerClient, StopTrainingJobCommand } from '@aws-sdk/client-sagemaker'
import type { TrainingJob, TrainingPort } from '../../workshop/ports.ts'
import { tried, triedDone } from '../tried.ts'

/** SageMaker for the use cases. */
export function trainingPort(client: SageMakerClient): TrainingPort {
  return {
    submit: (job) => tried(async () => (await client.send(createTrainingJob(job))).TrainingJobArn ?? ''),
    stop: (TrainingJobName) => triedDone(() => client.send(new StopTrainingJobCommand({ TrainingJobName }))),
  }
}

/** The request as the SDK sends it: that it compiles says that its members are those of the SDK's model. */
export function createTrainingJob(job: TrainingJob): CreateTrainingJobCommand {
  return new CreateTrainingJobCommand({
    ...job,
    HyperParameters: { ...job.HyperParameters },
    AlgorithmSpecification: { ...job.AlgorithmSpecification },
  })
}
