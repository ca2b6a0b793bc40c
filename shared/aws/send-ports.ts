import type { SendPorts } from '../findings/send-ports.ts'
import type { AwsAccess } from './access.ts'
import { createAnnouncements } from './announcements.ts'
import { createTopicMail } from './mail.ts'
import { createFindingImport } from './security-hub.ts'

/** People by the topic, Security Hub, and the default bus. */
export function createSendPorts(access: AwsAccess, topicArn: string): SendPorts {
  const [topic, hub, bus] = [createTopicMail(access, topicArn), createFindingImport(access), createAnnouncements(access)]
  return { mail: topic.mail, importFindings: hub.importFindings, putEvents: bus.putEvents }
}
