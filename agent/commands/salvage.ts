import { posix } from 'node:path'
import type { CommandModule, InferredOptionTypes } from 'yargs'
import { type BundleName, bundlePrefix, bundleTime } from '../bundle/keys.ts'
import { catalogue, END_OF_TIME } from '../operator/catalogue/catalogue.ts'
import { costOf } from '../operator/salvage/cost.ts'
import { expiryTold } from '../operator/salvage/expiry-told.ts'
import { type Look, look, type Place, type Plan } from '../operator/salvage/plan.ts'
import { salvageBundle } from '../operator/salvage/salvage-bundle.ts'
import { costTold, salvageLines, type Told, toldOfLook, toldOfSalvaged } from '../operator/salvage/salvage-lines.ts'
import { unfinishedByBundle } from '../operator/salvage/unfinished.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { inParallel } from '../words/in-parallel.ts'
import { parseDuration } from '../words/units.ts'
import { version } from '../words/version.ts'
import { bundleOf, bundleOption } from './bundle-option.ts'
import { Ending, EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import { type GlobalOptions, placeOf } from './options.ts'

const options = {
  all: { type: 'boolean', default: false, describe: 'All bundles that were not closed, or have unfinished uploads' },
  host: { type: 'string', requiresArg: true, describe: 'Those of this host, or of hosts that match: "web-*"' },
  'older-than': { type: 'string', requiresArg: true, describe: 'Of those, only what was begun so long ago: 1h' },
  'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and what it costs; do nothing' },
} as const
const { demandOption: _, ...positional } = bundleOption.bundle
type Options = GlobalOptions & InferredOptionTypes<typeof options> & { readonly bundle?: string | undefined }

/** Bundles that are looked at, or salvaged, at a time: each may have a part of filler in memory. */
const IN_FLIGHT = 4

/** `lastgasp salvage` */
export const salvageCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'salvage [bundle]',
  describe: 'Make readable what had arrived of a bundle when its host died: complete its unfinished uploads',
  builder: (yargs) =>
    yargs
      .positional('bundle', positional)
      .options(options)
      .example('$0 salvage web-7/latest --dry-run', 'what there is, and what it costs')
      .example('$0 salvage web-7/latest', 'do it; again, or from two machines at once, does no harm')
      .example('$0 salvage --all --older-than 1h', 'every host that died an hour ago or earlier'),
  handler: async (chosen) => {
    process.exitCode = await salvage(chosen, io)
  },
})

async function salvage(chosen: Options, io: Io): Promise<Exit> {
  await using place = await placeOf(chosen, 'salvage bundles', io)
  const { archive, uploads } = place
  const names = await namesOf(chosen, place, io)
  const warning = await expiryTold(uploads, io.signal)
  if (warning !== undefined) await say(io.stderr, [`lastgasp: ${warning}`])
  const looks = await inParallel(names, IN_FLIGHT, async (name) => ({
    name,
    found: await lookAt(place, name, io.signal),
  }))
  const plans = looks.flatMap(({ found }) => (found.is === 'due' ? [found.plan] : []))
  const cost = costOf(plans)
  if (plans.length > 0) await say(io.stderr, [`lastgasp: ${costTold(cost, plans.length)}`])
  const agent = await version()
  const told = await inParallel(looks, IN_FLIGHT, async ({ name, found }): Promise<Told> => {
    if (found.is !== 'due' || chosen['dry-run']) return toldOfLook(name, found)
    return await carryOut(place, found.plan, agent, io.signal)
  })
  const [only] = told
  if (chosen.bundle !== undefined && only?.status === 'running') throw cannot(`salvage ${chosen.bundle}`, only.reason)
  if (chosen.output === 'json')
    await sayJson(io.stdout, { dryRun: chosen['dry-run'], cost, warning: warning ?? null, bundles: told.map(asJson) })
  else if (told.length > 0) await say(io.stdout, salvageLines(told, screenOf(io.stdout)))
  else await say(io.stderr, [`lastgasp: there is nothing to salvage in ${archive.url}`])
  return exitOf(told)
}

/** The bundles that are meant: one, or all that were not closed or have unfinished uploads. */
async function namesOf(chosen: Options, place: Place, io: Io): Promise<BundleName[]> {
  const { bundle, host, all, 'older-than': olderThan } = chosen
  if ([bundle !== undefined, host !== undefined, all].filter(Boolean).length !== 1)
    throw new Ending(EXIT.usage, 'cannot salvage: name one of a bundle, --host HOST and --all')
  if (bundle !== undefined) {
    if (olderThan !== undefined)
      throw new Ending(EXIT.usage, 'cannot use --older-than with one bundle: it goes with --host and --all')
    return [(await bundleOf(place.archive, bundle, io)).name]
  }
  const age = olderThan === undefined ? 0 : durationOf(olderThan)
  const now = await place.uploads.now(io.signal)
  const names = new Map<string, BundleName>()
  const { entries } = await catalogue(place.archive, { since: 0, until: END_OF_TIME }, now, io.signal)
  const begun = new Map(entries.map(({ identity, bundle, at }) => [bundlePrefix({ identity, bundle }), at]))
  for (const { identity, bundle, state } of entries)
    if (state === 'interrupted') names.set(bundlePrefix({ identity, bundle }), { identity, bundle })
  for (const [prefix, { name }] of await unfinishedByBundle(place.uploads, io.signal)) names.set(prefix, name)
  const isMeant = ([prefix, { identity, bundle }]: readonly [string, BundleName]) =>
    posix.matchesGlob(identity, host ?? '*') && (begun.get(prefix) ?? bundleTime(bundle)) <= now - age
  return [...names].filter(isMeant).map(([, name]) => name)
}

function durationOf(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new Ending(EXIT.usage, `cannot use --older-than: ${sentence(error)}`, { cause: error })
  }
}

/** Looks at a bundle; what cannot be looked at holds up no other. */
async function lookAt(place: Place, name: BundleName, signal: AbortSignal): Promise<Look> {
  try {
    return await look(place, name, signal)
  } catch (error) {
    signal.throwIfAborted()
    return { is: 'failed', reason: sentence(error) }
  }
}

async function carryOut(place: Place, plan: Plan, agent: string, signal: AbortSignal): Promise<Told> {
  try {
    return toldOfSalvaged(await salvageBundle(place, plan, agent, signal))
  } catch (error) {
    signal.throwIfAborted()
    return { ...toldOfLook(plan.view.name, { is: 'failed', reason: sentence(error) }) }
  }
}

function exitOf(told: readonly Told[]): Exit {
  if (told.some(({ status }) => status === 'failed')) return EXIT.failed
  const isLess = ({ status, uploads, left }: Told) =>
    status === 'refused' || left.length > 0 || uploads.some((upload) => upload.status === 'lost')
  return told.some(isLess) ? EXIT.incomplete : EXIT.done
}

const asJson = ({ name, reason, ...told }: Told) => ({ ...name, ...told, reason: reason ?? null })
