import { posix } from 'node:path'
import type { CommandModule, InferredOptionTypes } from 'yargs'
import { bundlePrefix } from '../bundle/keys.ts'
import { type CatalogueEntry, catalogue, END_OF_TIME } from '../operator/catalogue/catalogue.ts'
import { CLOCK_ERROR, indexedDays, isOdd } from '../operator/catalogue/indexed-days.ts'
import { type Listed, listLines } from '../operator/catalogue/list-lines.ts'
import { moment } from '../operator/catalogue/moments.ts'
import { expiryTold } from '../operator/salvage/expiry-told.ts'
import { leftovers, leftoverTold } from '../operator/salvage/unsalvaged.ts'
import { sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import { isoTime } from '../words/instant.ts'
import { Ending, EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import { type GlobalOptions, placeOf } from './options.ts'

const options = {
  host: { type: 'string', requiresArg: true, describe: 'Only this host, or those that match: "web-*"' },
  since: {
    type: 'string',
    requiresArg: true,
    default: '7d',
    describe: 'From then on: 6h, 2d, 2026-10-12, 2026-10-12T03:00Z',
  },
  until: { type: 'string', requiresArg: true, describe: 'No later than then' },
  all: { type: 'boolean', default: false, describe: 'However old' },
  status: {
    array: true,
    nargs: 1,
    choices: ['complete', 'partial', 'salvaged', 'open', 'interrupted'],
    describe: 'Only these; may be repeated',
  },
} as const
type Options = GlobalOptions & InferredOptionTypes<typeof options>

/** `lastgasp list` */
export const listCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'list',
  describe: 'List bundles, newest first, by their keys alone',
  builder: (yargs) =>
    yargs
      .options(options)
      .example('$0 list', 'the last 7 days')
      .example('$0 list --host "web-*" --since 2d', 'of some hosts')
      .example('$0 list --status interrupted --all', 'hosts that died in the middle of it')
      .example('$0 list -o json | jq -r ".[].bundle"', 'for a script'),
  handler: async (chosen) => {
    process.exitCode = await list(chosen, io)
  },
})

async function list(chosen: Options, io: Io): Promise<Exit> {
  const now = Date.now()
  const period = periodOf(chosen, now)
  await using place = await placeOf(chosen, 'read bundles', io)
  const { archive, uploads } = place
  const { entries: all, daysLeft } = await catalogue(archive, period, now, io.signal)
  const entries = all.filter(
    ({ identity, state }) =>
      posix.matchesGlob(identity, chosen.host ?? '*') && (chosen.status ?? [state]).includes(state),
  )
  const [left, warning] = await Promise.all([leftovers(uploads, entries, io.signal), expiryTold(uploads, io.signal)])
  const leftOf = (entry: CatalogueEntry) => ('unseen' in left ? undefined : left.get(bundlePrefix(entry)))
  const told = entries.map((entry) => ({ ...entry, left: leftOf(entry) }))
  if (chosen.output === 'json') await sayJson(io.stdout, told.map(asJson))
  else if (entries.length > 0) await say(io.stdout, listLines(told, screenOf(io.stdout)))
  await say(io.stderr, aboutSalvage(told, 'unseen' in left ? left.unseen : undefined, warning))
  const [newest, oldest] = [daysLeft[0], daysLeft.at(-1)]
  if (newest !== undefined)
    await say(io.stderr, [
      `lastgasp: there are marks of ${daysLeft.length} days on which nothing can have begun (${oldest} to ${newest}); --all lists them`,
    ])
  if (entries.length > 0) return EXIT.done
  await say(io.stderr, [`lastgasp: nothing found in ${archive.url}: ${await hint(all.length)}`])
  return EXIT.nothing

  async function hint(others: number): Promise<string> {
    if (others > 0)
      return `${countOf(others, 'other bundle is', 'other bundles are')} there in that time; ask without --host and --status`
    const days = await indexedDays(archive, io.signal)
    const newest = days.find((day) => !isOdd(day, now)) ?? days[0]
    if (newest === undefined) return 'there is no bundle at all; is this the right bucket and prefix?'
    return `no bundle from that time; the newest is of ${newest}, and --all lists all`
  }
}

/** What is to be said of what the hosts could not finish: how to come by it, or why it is not known; and how long it stays. */
function aboutSalvage(told: readonly Listed[], unseen: string | undefined, warning: string | undefined): string[] {
  const some = told.flatMap(({ left }) => left ?? [])
  const isCut = told.some(({ state }) => state === 'interrupted')
  const bytes = some.reduce((sum, left) => sum + (left.bytes ?? 0), 0)
  const all = { uploads: some.reduce((sum, left) => sum + left.uploads, 0), bytes }
  return [
    ...(some.length === 0 ? [] : [`${leftoverTold(all)}: lastgasp salvage makes them readable`]),
    ...(unseen === undefined || !isCut ? [] : [`what there is to salvage is not known: ${unseen}`]),
    ...(warning === undefined ? [] : [warning]),
  ].map((line) => `lastgasp: ${line}`)
}

function periodOf({ since, until, all }: Options, now: number) {
  try {
    return {
      since: all ? 0 : moment(since, now),
      until: until === undefined ? (all ? END_OF_TIME : now + CLOCK_ERROR) : moment(until, now),
    }
  } catch (error) {
    throw new Ending(EXIT.usage, sentence(error), { cause: error })
  }
}

const asJson = ({ identity, bundle, at, state, why, before, doubt, left }: Listed) => ({
  identity,
  bundle,
  started: isoTime(at) ?? null,
  status: state,
  why: why ?? null,
  before,
  doubt: doubt ?? null,
  unfinished: left === undefined ? null : { uploads: left.uploads, bytes: left.bytes ?? null },
})
