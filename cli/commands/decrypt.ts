import { Command } from 'commander'
import { decryptStream } from '../../shared/envelope/index.ts'
import { type EnvelopeOptions, withEnvelopeOptions } from '../input/envelope-options.ts'
import { heldSink, outputSink } from '../output/byte-sink.ts'
import { cryptFile } from './crypt-file.ts'

type DecryptOptions = EnvelopeOptions & { readonly allowUnverified: boolean; readonly allowUncommitted: boolean }

/** Suites that sign, by the names of the message format. https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html */
const SIGNED_SUITES: readonly string[] = ['0578', '0378', '0346', '0214']

/** `keytrail decrypt`: what `keytrail encrypt` or an AWS Encryption SDK wrote. */
export function decryptCommand(standingFolder: string): Command {
  return withEnvelopeOptions(new Command('decrypt'))
    .description('Decrypt a message of an AWS Encryption SDK, from a file or a pipe.')
    .argument('[file]', 'what to decrypt; - for standard input', '-')
    .option('--allow-unverified', 'let a signed message out to a pipe before its signature is verified', false)
    .option('--allow-uncommitted', 'read messages of older SDKs, which do not commit to their key', false)
    .addHelpText(
      'after',
      `
Examples:
  keytrail decrypt report.csv.enc --key file:key --out report.csv
  keytrail decrypt report.csv.enc --key arn:aws:kms:eu-central-1:111122223333:key/… --target aws --context tenant=a | head
  keytrail decrypt --key file:key < folder.tar.enc | tar x

--context names pairs that must be there. A signed message for a pipe is held in a private file until it is verified.`,
    )
    .action(async (file: string, options: DecryptOptions) => {
      // The AWS SDK, and all of the message format, come in with the two commands that need them.
      const { wrappingKey } = await import('../input/wrapping-key.ts')
      const { keyring, close } = wrappingKey(options, standingFolder)
      const { allowUnverified, allowUncommitted, context: encryptionContext } = options
      const policy = allowUncommitted ? ({ commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const) : {}
      try {
        process.exitCode = await cryptFile(file, options, {
          standingFolder,
          // What comes out unverified goes where nobody sees it before it is.
          stream: () => decryptStream({ keyring, encryptionContext, allowUnverified: true, ...policy }),
          async sink(stream) {
            const { suite } = await stream.header
            return SIGNED_SUITES.includes(suite) && !allowUnverified ? heldSink(process.stdout) : outputSink(process.stdout)
          },
        })
      } finally {
        close()
      }
    })
}
