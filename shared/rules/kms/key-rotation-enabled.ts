import { defineRule } from '../rule.ts'
import { fail, pass } from '../verdict.ts'
import { NEVER_ROTATING, ROTATION_FACTS, whyNotRotating } from './in-scope.ts'
import { ROTATION_EVENTS } from './watched.ts'

/** Keys whose material AWS generated rotate by themselves. */
export const kmsKeyRotationEnabled = defineRule({
  id: 'kms-key-rotation-enabled',
  title: 'KMS key rotates automatically',
  severity: 'medium',
  resource: 'kms_key',
  controls: [
    'CIS-1.2.0:2.8',
    'CIS-1.4.0:3.8',
    'CIS-3.0.0:3.6',
    'CIS-5.0.0:3.6',
    'NIST-800-53-r5:SC-12',
    'NIST-800-53-r5:SC-12(2)',
    'NIST-800-53-r5:SC-28(3)',
    'PCI-DSS-3.2.1:3.6.4',
    'PCI-DSS-4.0.1:3.7.4',
  ],
  source: 'https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html',
  watches: [{ source: 'kms.amazonaws.com', names: ROTATION_EVENTS }],
  advice:
    'Turn on automatic rotation with the period you want. Key ID, ARN, aliases and policy stay as they are, and old data stays readable.',
  scope: { facts: ROTATION_FACTS, outOfScope: NEVER_ROTATING, exclude: whyNotRotating },
  facts: ['rotation'],
  evaluate: ({ rotation }) => (rotation.isEnabled ? pass : fail('automatic rotation is off')),
  remediation: { summary: 'Turn on automatic rotation', writes: ['kms:EnableKeyRotation'] },
})
