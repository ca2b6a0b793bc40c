import { Command, InvalidArgumentError, Option } from 'commander'
import { encryptStream } from '../../shared/envelope/index.ts'
import { type EnvelopeOptions, withEnvelopeOptions } from '../input/envelope-options.ts'
import { outputSink } from '../output/byte-sink.ts'
import { cryptFile } from './crypt-file.ts'

type EncryptOptions = EnvelopeOptions & { readonly suite: '0478' | '0578'; readonly frameLength?: number }

/** `keytrail encrypt`: a file or a pipe into a message of the AWS Encryption SDK. */
export function encryptCommand(standingFolder: string): Command {
  return withEnvelopeOptions(new Command('encrypt'))
    .description('Encrypt a file or a pipe under a data key: a message that every AWS Encryption SDK reads.')
    .argument('[file]', 'what to encrypt; - for standard input', '-')
    .addOption(
      new Option('--suite <suite>', '0578 signs, so that who may only decrypt cannot forge; 0478 does not, for writers who are the readers')
        .choices(['0478', '0578'])
        .default('0578'),
    )
    .option('--frame-length <bytes>', 'bytes in a frame: 65536 and more are faster, if no reader is older than 2026', parseFrameLength)
    .addHelpText(
      'after',
      `
Examples:
  keytrail encrypt report.csv --key file:key --out report.csv.enc
  keytrail encrypt report.csv --key arn:aws:kms:eu-central-1:111122223333:key/… --target aws --context tenant=a --out report.csv.enc
  tar c folder | keytrail encrypt --key file:key --suite 0478 > folder.tar.enc`,
    )
    .action(async (file: string, options: EncryptOptions) => {
      // The AWS SDK, and all of the message format, come in with the two commands that need them.
      const { wrappingKey } = await import('../input/wrapping-key.ts')
      const { keyring, close } = wrappingKey(options, standingFolder)
      const { suite, frameLength, context: encryptionContext } = options
      const more = frameLength === undefined ? {} : { frameLength }
      try {
        process.exitCode = await cryptFile(file, options, {
          standingFolder,
          stream: () => encryptStream({ keyring, suite, encryptionContext, ...more }),
          sink: async () => outputSink(process.stdout),
        })
      } finally {
        close()
      }
    })
}

function parseFrameLength(text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(bytes >= 1 && bytes < 2 ** 32)) throw new InvalidArgumentError('Write a number of bytes from 1 to 4294967295.')
  return bytes
}
