import { writeFile } from 'node:fs/promises'
import type { CommandModule, InferredOptionTypes } from 'yargs'
import { shellWord } from '../operator/terminal/shell-word.ts'
import { wrap } from '../operator/terminal/table.ts'
import { generateIdentity, recipientOf, secretText } from '../seal/keys.ts'
import { cannot } from '../words/cannot.ts'
import { isoSecond } from '../words/instant.ts'
import { EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import type { GlobalOptions } from './options.ts'

const options = {
  out: { type: 'string', requiresArg: true, default: 'lastgasp-identity.txt', describe: 'The file to write' },
} as const
type Options = GlobalOptions & InferredOptionTypes<typeof options>

/** `lastgasp keygen` */
export const keygenCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'keygen',
  describe: 'Make a key pair: an identity file that opens bundles, and the recipient that hosts seal to',
  builder: (yargs) =>
    yargs
      .options(options)
      .hide('store')
      .hide('identity')
      .hide('set')
      .example('$0 keygen --out oncall.txt', 'on a machine of yours, never on a host'),
  handler: async (chosen) => {
    process.exitCode = await keygen(chosen, io)
  },
})

async function keygen({ out, output }: Options, io: Io): Promise<Exit> {
  const identity = generateIdentity()
  const recipient = recipientOf(identity).text
  const created = isoSecond(Date.now())
  // The form of age-keygen(1), whose tools read it.
  const text = `# created: ${created}\n# public key: ${recipient}\n${secretText(identity)}\n`
  await writeFile(out, text, { flag: 'wx', mode: 0o600, flush: true, signal: io.signal }).catch(
    (error: NodeJS.ErrnoException) => {
      throw cannot(
        `write ${out}`,
        error.code === 'EEXIST' ? 'it is there already, and a key is never overwritten' : error,
      )
    },
  )
  if (output === 'json') await sayJson(io.stdout, { identity: out, recipient })
  else await say(io.stdout, explained(out, recipient, screenOf(io.stdout).width))
  return EXIT.done
}

const explained = (out: string, recipient: string, width = Infinity) => [
  ...wrap(
    `The secret is in ${shellWord(out)}. Keep it off the hosts, and keep a copy: what is sealed to it opens with nothing else, and whoever has it reads the memory of your hosts.`,
    width,
  ),
  '',
  'The recipient, for the settings of the hosts (/etc/lastgasp/config.d/50-seal.toml):',
  '',
  `seal.recipients = ["${recipient}"]`,
]
