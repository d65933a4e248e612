import { inspect } from 'node:util'
import yargs from 'yargs'
import { sentence } from '../cannot.ts'
import { version } from '../version.ts'
import { captureCommand } from './capture.ts'
import { checkCommand } from './check.ts'
import { fetchCommand } from './fetch.ts'
import { Ending, EXIT, type Io, say } from './io.ts'
import { keygenCommand } from './keygen.ts'
import { listCommand } from './list.ts'
import { globalOptions } from './options.ts'
import { policyCommand } from './policy.ts'
import { showCommand } from './show.ts'
import { verifyCommand } from './verify.ts'

/** Shells report a process that a signal ended as 128 and the signal's number; 2 is SIGINT's. */
const INTERRUPTED = 130

const EPILOGUE = `The resident processes "daemon" and "collector" are started by their units.
Exit codes: 0 done, 1 failed, 2 usage, 3 nothing found, 4 incomplete evidence.`

/** For a usage error, to name the help that helps. */
const COMMANDS: readonly string[] = ['list', 'show', 'fetch', 'verify', 'keygen', 'capture', 'check', 'policy']

/** What a person should read in place of yargs' own words (its locales/en.json). */
const FRIENDLIER: readonly (readonly [RegExp, string])[] = [
  [/^Not enough non-option arguments.*/, 'name a bundle: the beginning of its id, "latest" or HOST/latest'],
  [/^Not enough arguments following: (\S+).*/, '--$1 wants a value'],
  [/^Invalid values: Argument: (\S+), Given: (.*), Choices: (.*)/, '--$1 $2: it is one of $3'],
]

function friendly(message: string, program: string): Ending {
  const plain = message.replace(/\s+/g, ' ').trim()
  const [words, instead] = FRIENDLIER.find(([words]) => words.test(plain)) ?? []
  const why = words === undefined || instead === undefined ? plain : plain.replace(words, instead)
  return new Ending(EXIT.usage, `cannot run ${program}: ${why}`)
}

/** Runs the command that the arguments name, and sets the exit code of the process. */
export async function runProgram(args: readonly string[], io: Io): Promise<void> {
  const named = args.find((arg) => COMMANDS.includes(arg))
  const told = named === undefined ? 'lastgasp' : `lastgasp ${named}`
  const program = yargs()
    .scriptName('lastgasp')
    .detectLocale(false)
    .version(await version())
    .usage('$0 <command>\n\nCaptures what only a dying host knows, and reads the bundles that came of it.')
    .options(globalOptions)
    .command(listCommand(io))
    .command(showCommand(io))
    .command(fetchCommand(io))
    .command(verifyCommand(io))
    .command(keygenCommand(io))
    .command(captureCommand(io))
    .command(checkCommand(io))
    .command(policyCommand(io))
    .demandCommand(1, 1, 'name a command', 'name one command')
    .recommendCommands()
    .strict()
    .epilogue(EPILOGUE)
    .wrap(Math.min(100, io.stdout.columns ?? 80))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs' own errors are about the command line; all others come from the commands.
      if (error !== undefined && error.name !== 'YError') throw error
      throw friendly(message ?? error?.message ?? '', told)
    })
  try {
    await program.parseAsync(args)
  } catch (error) {
    process.exitCode = io.signal.aborted ? INTERRUPTED : error instanceof Ending ? error.exit : EXIT.failed
    const usage = error instanceof Ending && error.exit === EXIT.usage ? [`Try: ${told} --help`] : []
    await say(io.stderr, [`lastgasp: ${sentence(error)}`, ...usage])
    if (io.env.LASTGASP_DEBUG === '1') await say(io.stderr, inspect(error).split('\n'))
  }
}
