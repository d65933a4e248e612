import type { CommandModule, InferredOptionTypes } from 'yargs'
import { wrap } from '../operator/terminal/table.ts'
import { parseKmsKey } from '../policy/key.ts'
import { layout } from '../policy/layout.ts'
import { checkRetention, type Retention } from '../policy/lifecycle.ts'
import { PART_NAMES, type Parts, partsOf, type Wish } from '../policy/parts.ts'
import { checkHost, placeOf } from '../policy/place.ts'
import { terraform } from '../policy/terraform.ts'
import { toldOf } from '../policy/told.ts'
import { sentence } from '../words/cannot.ts'
import { parseLocation } from '../words/location.ts'
import { parseDuration } from '../words/units.ts'
import { Ending, EXIT, type Exit, type Io, say, screenOf } from './io.ts'
import { type GlobalOptions, storeOf } from './options.ts'

const options = {
  for: { choices: PART_NAMES, array: true, nargs: 1, describe: 'Only this part, as a bare document; may be repeated' },
  host: {
    type: 'string',
    requiresArg: true,
    default: '*',
    describe: `Whose names a host may write under: web-1, "web-*", or a policy variable such as '\${aws:username}'`,
  },
  'kms-key': { type: 'string', requiresArg: true, describe: 'ARN of the KMS key that the bucket encrypts with' },
  keep: { type: 'string', requiresArg: true, describe: 'Bundles are deleted after that: 90d (else never)' },
  unfinished: {
    type: 'string',
    requiresArg: true,
    default: '14d',
    describe: 'What is left of unfinished uploads is deleted after that; salvage needs 7d at least',
  },
  lock: { type: 'string', requiresArg: true, describe: 'Object Lock: before that nobody deletes a bundle: 30d' },
  'lock-mode': {
    choices: ['governance', 'compliance'],
    default: 'governance',
    describe: 'Whether a right to bypass the lock exists',
  },
} as const
/** yargs adds it to the choices that the option has for every command. */
const MORE_OUTPUT = 'terraform'
type Options = Omit<GlobalOptions, 'output'> & InferredOptionTypes<typeof options> & { output?: string | undefined }

/** `lastgasp policy` */
export const policyCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'policy',
  describe: 'Print what the bucket, its hosts and its readers may do: policies and lifecycle, as JSON or Terraform',
  builder: (yargs) =>
    yargs
      .options(options)
      .choices('output', [MORE_OUTPUT])
      .hide('identity')
      .example('$0 policy --store s3://gasps/prod', 'all of it, each with the command that applies it')
      .example('$0 policy --for host --host web-1 > host.json', "one host's own")
      .example(`$0 policy --for host --host '\${aws:username}'`, 'one for all: each IAM user under its name')
      .example('$0 policy --keep 90d -o terraform > gasps.tf.json', 'Terraform reads it as it is'),
  handler: async (chosen) => {
    process.exitCode = await printPolicy(chosen, io)
  },
})

async function printPolicy(chosen: Options, io: Io): Promise<Exit> {
  const wish = await wishOf(chosen, io)
  const all = partsOf(wish)
  const parts = selected(all, chosen.for)
  const documents = Object.values(parts)
  const print = (document: unknown) => say(io.stdout, layout(document).split('\n'))
  if (chosen.output === MORE_OUTPUT) await print(terraform(wish.place.bucket, parts))
  else if (chosen.for?.length === 1) await print(documents[0])
  else if (chosen.output === 'json') await print(parts)
  else await say(io.stdout, explained(wish, parts, screenOf(io.stdout).width))
  return EXIT.done
}

async function wishOf(chosen: Options, io: Io): Promise<Wish> {
  const { url, s3 } = await storeOf(chosen, 'write policies', io)
  const location = parseLocation(url)
  if (location.scheme === 'file') {
    throw new Ending(EXIT.usage, `cannot write policies for ${url}: only a bucket has them, s3://BUCKET/PREFIX`)
  }
  if (s3.endpoint?.startsWith('http:')) {
    const why = 'the bucket policy refuses whoever comes without TLS, and s3.endpoint is http://'
    await say(io.stderr, [`lastgasp: under these policies nothing can be stored: ${why}`])
  }
  try {
    const wish: Wish = {
      place: placeOf(location, s3.region),
      host: checkHost(chosen.host),
      key: chosen['kms-key'] === undefined ? undefined : parseKmsKey(chosen['kms-key']),
      retention: retentionOf(chosen),
    }
    checkRetention(wish.retention)
    return wish
  } catch (error) {
    throw new Ending(EXIT.usage, sentence(error), { cause: error })
  }
}

function retentionOf(chosen: Options): Retention {
  const mode = chosen['lock-mode'] === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE'
  return {
    keep: chosen.keep === undefined ? undefined : days('keep', chosen.keep),
    unfinished: days('unfinished', chosen.unfinished),
    lock: chosen.lock === undefined ? undefined : { days: days('lock', chosen.lock), mode },
  }
}

const DAY_MS = 86_400_000

/** S3 counts these in whole days. */
function days(option: string, text: string): number {
  const count = parseDuration(text) / DAY_MS
  if (Number.isInteger(count) && count >= 1) return count
  throw new Error(`cannot use --${option} ${text}: S3 counts whole days, 1d at least`)
}

/** The parts that were asked for, all where none was; a part that the other options do not make is a mistake. */
function selected(all: Parts, names: Options['for']): Partial<Parts> {
  if (names === undefined) return all
  const missing = names.find((name) => all[name] === undefined)
  if (missing === undefined) return Object.fromEntries(names.map((name) => [name, all[name]]))
  const option = missing === 'lock' ? '--lock 30d' : '--kms-key ARN'
  throw new Ending(EXIT.usage, `cannot print the part ${missing}: it comes with ${option}`)
}

/** Every part under what it is for and how it is applied; the comments are what JSON has no place for. */
function explained(wish: Wish, parts: Partial<Parts>, width = Infinity): string[] {
  const comment = (text: string) => wrap(text, width - '# '.length).map((line) => `# ${line}`)
  const lines = comment('One part alone, to be saved: the same command with --for PART > PART.json')
  for (const name of PART_NAMES) {
    if (parts[name] === undefined) continue
    const { about, apply } = toldOf(name, wish)
    // A command stays whole, to be copied.
    lines.push('', ...comment(`${name}: ${about}`), `#   ${apply}`, ...layout(parts[name]).split('\n'))
  }
  return lines
}
