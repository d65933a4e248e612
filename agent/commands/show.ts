import type { CommandModule, InferredOptionTypes } from 'yargs'
import type { BundleView } from '../operator/bundle/bundle-view.ts'
import { holdings } from '../operator/bundle/holdings.ts'
import { coreScripts } from '../operator/debuggers/core-scripts.ts'
import { nextSteps, type Step } from '../operator/debuggers/next-steps.ts'
import { filesOf } from '../operator/fetch/landing.ts'
import { type Unsalvaged, unsalvaged } from '../operator/salvage/unsalvaged.ts'
import { shellWord } from '../operator/terminal/shell-word.ts'
import { showLines, stepLines } from '../operator/verdict/show-lines.ts'
import { type Verdict, verdict } from '../operator/verdict/verdict.ts'
import { isoTime } from '../words/instant.ts'
import { bundleOf, bundleOption } from './bundle-option.ts'
import { EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import { type GlobalOptions, placeOf } from './options.ts'
import { salvageSteps } from './salvage-steps.ts'
import { storeWords } from './store-words.ts'

type Options = GlobalOptions & InferredOptionTypes<typeof bundleOption>

/** `lastgasp show` */
export const showCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'show <bundle>',
  describe: 'Tell what a bundle tells: what crashed, what was taken, what is missing and why',
  builder: (yargs) =>
    yargs
      .positional('bundle', bundleOption.bundle)
      .example('$0 show latest', 'the newest of all')
      .example('$0 show web-7/latest', "a host's newest")
      .example('$0 show 20261012T0304', 'by the beginning of its id'),
  handler: async (chosen) => {
    process.exitCode = await show(chosen, io)
  },
})

async function show(chosen: Options, io: Io): Promise<Exit> {
  await using place = await placeOf(chosen, 'read bundles', io)
  const view = await bundleOf(place.archive, chosen.bundle, io)
  const left = await unsalvaged(place.uploads, view, io.signal)
  const found = verdict(view, left)
  if (chosen.output === 'json') await sayJson(io.stdout, asJson(view, found, left))
  else {
    const screen = screenOf(io.stdout)
    const steps = stepLines('Look at it', stepsOf(view, found, left, chosen, io))
    await say(io.stdout, [...showLines(view, found, screen), ...steps])
  }
  return found.lacks.length > 0 ? EXIT.incomplete : EXIT.done
}

/** What to type next: the options that led here, and then as if it were fetched to where `fetch` puts it. */
function stepsOf(view: BundleView, found: Verdict, left: Unsalvaged, chosen: Options, io: Io): Step[] {
  const sealed = holdings(view).some((holding) => holding.sealed)
  const files = chosen.identity ?? (io.env.LASTGASP_IDENTITY ? [] : ['IDENTITY_FILE'])
  const words = [
    ...['lastgasp', 'fetch', view.name.bundle],
    ...(sealed ? files.flatMap((file) => ['--identity', file]) : []),
    ...storeWords(chosen),
  ]
  const bring = { about: 'bring it here', command: words.map(shellWord).join(' ') }
  const fetched = filesOf(view)
  const scripts = coreScripts(fetched, view.manifest?.receipts ?? [])
  return [...salvageSteps(view, left, chosen), bring, ...nextSteps(view.name.bundle, fetched, found, scripts)]
}

function asJson(view: BundleView, found: Verdict, { uploads, unseen }: Unsalvaged) {
  const { name, state, opening, plan, manifest, endsBy, objects, faults } = view
  return {
    ...name,
    status: state,
    incomplete: found.lacks.length > 0,
    why: manifest?.why ?? null,
    endsBy: isoTime(endsBy) ?? null,
    findings: found.findings,
    crashes: found.deaths
      .filter(({ finding }) => finding.kind === 'crash')
      .map(({ receipt, finding, at, ...crash }) => ({
        ...crash,
        boot: finding.boot,
        at: at ?? null,
        artifact: receipt?.artifact ?? null,
      })),
    lacks: found.lacks,
    leftOut: found.leftOut,
    unfinished: unseen === undefined ? uploads : null,
    faults,
    opening: opening ?? null,
    plan: plan ?? null,
    manifest: manifest ?? null,
    objects: Array.from(objects, ([key, bytes]) => ({ name: key, bytes })),
  }
}
