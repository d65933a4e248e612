import { join } from 'node:path'
import { output, type Ran, run } from '../../scripts/vm/program.ts'
import type { S3Server } from '../s3-server.ts'

const CHECKOUT = join(import.meta.dirname, '../..')

/** The person on call: has the program, a bucket and a key, and no way to the host. */
export class Operator {
  /** age identity file, and the public key of it that hosts seal to. */
  readonly identity: string
  readonly recipient: string
  readonly #server: S3Server

  private constructor(server: S3Server, identity: string, recipient: string) {
    this.#server = server
    this.identity = identity
    this.recipient = recipient
  }

  /** With a key made by age's own program. */
  static async hire(server: S3Server, directory: string, signal: AbortSignal): Promise<Operator> {
    const identity = join(directory, 'operator.key')
    await output('age-keygen', ['-o', identity], {}, signal)
    return new Operator(server, identity, (await output('age-keygen', ['-y', identity], {}, signal)).trim())
  }

  /** Runs `lastgasp` on a store. */
  lastgasp(args: readonly string[], store: string, signal: AbortSignal): Promise<Ran> {
    const { endpoint, region, accessKey, secretKey } = this.#connection
    const program = [join(CHECKOUT, 'agent/main.ts'), ...args, '--store', store]
    const set = [`s3.endpoint="${endpoint}"`, `s3.region="${region}"`, 's3.addressing="path"']
    const env = { ...process.env, AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey }
    const node = ['--disable-warning=ExperimentalWarning', ...program, ...set.flatMap((each) => ['--set', each])]
    return run(process.execPath, node, { env }, signal)
  }

  get #connection() {
    const { endpoint, accessKey, secretKey, settings } = this.#server
    return { endpoint, region: settings.region ?? '', accessKey, secretKey }
  }
}
