import { inspect } from 'node:util'
import yargs, { type Argv } from 'yargs'
import { sentence } from '../words/cannot.ts'
import { version } from '../words/version.ts'
import { Ending, EXIT, type Io, say } from './io.ts'
import { type GlobalOptions, globalOptions } from './options.ts'

/** Shells report a process that a signal ended as 128 and the signal's number; 2 is SIGINT's. */
const INTERRUPTED = 130

const EPILOGUE = `The resident processes "daemon" and "collector" are started by their units.
Exit codes: 0 done, 1 failed, 2 usage, 3 nothing found, 4 incomplete evidence.`

/** Adds each command to a program, in the order of the help. Only what is run is loaded: that is half of the time to start. */
const COMMANDS: Readonly<Record<string, (program: Argv<GlobalOptions>, io: Io) => Promise<unknown>>> = {
  list: async (program, io) => program.command((await import('./list.ts')).listCommand(io)),
  show: async (program, io) => program.command((await import('./show.ts')).showCommand(io)),
  fetch: async (program, io) => program.command((await import('./fetch.ts')).fetchCommand(io)),
  verify: async (program, io) => program.command((await import('./verify.ts')).verifyCommand(io)),
  salvage: async (program, io) => program.command((await import('./salvage.ts')).salvageCommand(io)),
  keygen: async (program, io) => program.command((await import('./keygen.ts')).keygenCommand(io)),
  capture: async (program, io) => program.command((await import('./capture.ts')).captureCommand(io)),
  check: async (program, io) => program.command((await import('./check.ts')).checkCommand(io)),
  policy: async (program, io) => program.command((await import('./policy.ts')).policyCommand(io)),
}

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
  const named = args.find((arg) => Object.hasOwn(COMMANDS, arg))
  const told = named === undefined ? 'lastgasp' : `lastgasp ${named}`
  const program = yargs()
    .scriptName('lastgasp')
    .detectLocale(false)
    .version(await version())
    .usage('$0 <command>\n\nCaptures what only a dying host knows, and reads the bundles that came of it.')
    .options(globalOptions)
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
  // Behind an option its name may be that option's value.
  const run = named !== undefined && named === args[0] ? [named] : Object.keys(COMMANDS)
  try {
    for (const command of run) await COMMANDS[command]?.(program, io)
    await program.parseAsync(args)
  } catch (error) {
    process.exitCode = io.signal.aborted ? INTERRUPTED : error instanceof Ending ? error.exit : EXIT.failed
    const usage = error instanceof Ending && error.exit === EXIT.usage ? [`Try: ${told} --help`] : []
    await say(io.stderr, [`lastgasp: ${sentence(error)}`, ...usage])
    if (io.env.LASTGASP_DEBUG === '1') await say(io.stderr, inspect(error).split('\n'))
  }
}
