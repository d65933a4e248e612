import type { CommandModule, InferredOptionTypes } from 'yargs'
import { capture } from '../capture/capture.ts'
import type { Ended } from '../capture/open-bundle.ts'
import { failureLine, successLine } from '../daemon/console-line.ts'
import { OwnCollector } from '../daemon/own-collector.ts'
import { type Prepared, prepare } from '../daemon/standing/prepare.ts'
import type { Store } from '../store/store.ts'
import { Ending, EXIT, type Exit, type Io, say, sayJson } from './io.ts'
import { namedStore } from './named-store.ts'
import type { GlobalOptions } from './options.ts'
import { toldWaits } from './told-waits.ts'

const options = {
  root: { type: 'string', requiresArg: true, default: '/', describe: 'Where the host’s file system starts' },
} as const
type Options = GlobalOptions & InferredOptionTypes<typeof options>

/** `lastgasp capture` */
export const captureCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'capture',
  describe: 'Capture this host now, with a collector of its own',
  builder: (yargs) =>
    yargs
      .options(options)
      .example('$0 capture', 'to the store of the settings, as at shutdown')
      .example('$0 capture --store file:///srv/bundles --set deadline=20s', 'somewhere else, in less time'),
  handler: async (chosen) => {
    process.exitCode = await captureNow(chosen, io)
  },
})

async function captureNow(chosen: Options, io: Io): Promise<Exit> {
  const prepared = await preparedFor(chosen, io)
  const store = storeOf(prepared, io)
  await using own = await OwnCollector.start(fromOf(chosen, io), io.signal)
  let ended: Ended
  try {
    ended = await capture({ ...prepared.request, trigger: 'manual' }, { collector: own.collector, store }, io.signal)
  } catch (error) {
    throw new Ending(EXIT.failed, failureLine(error, store.url).replace(/^lastgasp: /, ''), { cause: error })
  } finally {
    await store[Symbol.asyncDispose]()
  }
  if (chosen.output === 'json')
    await sayJson(io.stdout, { ...ended.name, status: ended.manifest.status, store: store.url })
  else await say(io.stdout, [successLine(ended, store.url), `lastgasp show ${ended.name.bundle} --store ${store.url}`])
  return ended.manifest.status === 'complete' ? EXIT.done : EXIT.incomplete
}

/** The settings of this host, under those of the command line. `storeBy`: what the first of these stands for. */
export function fromOf({ store, set, root }: Pick<Options, 'store' | 'set' | 'root'>, io: Io) {
  const named = namedStore(store, io.env)
  return {
    root,
    storeBy: named?.by,
    set: [...(named === undefined ? [] : [`store=${JSON.stringify(named.url)}`]), ...(set ?? [])],
  }
}

/** Prepares a capture by hand. A setting on the command line that is wrong ends it; one in a file does not. */
export async function preparedFor(chosen: Options, io: Io): Promise<Prepared> {
  const prepared = await prepare(fromOf(chosen, io), io.signal)
  const { problems } = prepared.loaded
  const { environment, trust, identity } = prepared.reading
  const typed = problems.find(({ origin }) => origin === 'command line')
  if (typed !== undefined) throw new Ending(EXIT.usage, `cannot use ${typed.message}`)
  const named = identity.problem === undefined ? [] : [identity.problem]
  await say(io.stderr, [
    ...problems.map(({ message }) => `lastgasp: left out of the settings: ${message}`),
    ...[...environment.problems, ...trust.problems, ...named].map((problem) => `lastgasp: ${problem}`),
  ])
  return prepared
}

/** The store of a prepared capture, or the reason why there is none. */
export function storeOf({ store }: Prepared, io: Io): Store {
  if (store instanceof Error) throw new Ending(EXIT.failed, store.message, { cause: store })
  return toldWaits(store, io)
}
