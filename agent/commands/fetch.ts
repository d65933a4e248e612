import { resolve } from 'node:path'
import type { CommandModule, InferredOptionTypes } from 'yargs'
import type { BundleView } from '../operator/bundle/bundle-view.ts'
import { writeGdbFiles } from '../operator/debuggers/gdb-files.ts'
import { writeKernelFiles } from '../operator/debuggers/kernel-files.ts'
import { nextSteps } from '../operator/debuggers/next-steps.ts'
import { claimDirectory } from '../operator/fetch/claim-directory.ts'
import type { Fetched } from '../operator/fetch/fetch-artifact.ts'
import { fetchBundle, wanted } from '../operator/fetch/fetch-bundle.ts'
import { fetchLines } from '../operator/fetch/fetch-lines.ts'
import { isWanted } from '../operator/fetch/wanted.ts'
import { unsalvaged } from '../operator/salvage/unsalvaged.ts'
import { Progress } from '../operator/terminal/progress.ts'
import { lackLines, recipientsTold, stepLines } from '../operator/verdict/show-lines.ts'
import { verdict } from '../operator/verdict/verdict.ts'
import type { Identity } from '../seal/keys.ts'
import { cannot } from '../words/cannot.ts'
import { bundleOf, bundleOption } from './bundle-option.ts'
import { EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import { maxSizeOf, maxSizeOption } from './max-size-option.ts'
import { checkOnly, onlyOf } from './only-option.ts'
import { type GlobalOptions, identitiesOf, placeOf } from './options.ts'
import { salvageSteps } from './salvage-steps.ts'

const options = {
  to: { type: 'string', requiresArg: true, describe: 'Directory to make and fill (default: the id of the bundle)' },
  only: {
    type: 'string',
    requiresArg: true,
    describe: 'Only these sources or artifacts: journal,cores,facts,traces,stacks,live,memory',
  },
  'keep-sealed': { type: 'boolean', default: false, describe: 'Open nothing, whatever identities there are' },
} as const
type Options = GlobalOptions & InferredOptionTypes<typeof bundleOption & typeof options & typeof maxSizeOption>

/** `lastgasp fetch` */
export const fetchCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'fetch <bundle>',
  describe: 'Bring a bundle here, unsealed and laid out as on the host; again, to go on where it broke',
  builder: (yargs) =>
    yargs
      .positional('bundle', bundleOption.bundle)
      .options(options)
      .options(maxSizeOption)
      .example('$0 fetch latest --identity key.txt', 'all of the newest bundle')
      .example('$0 fetch 20261012T0304 --only journal,facts', 'without the cores')
      .example('$0 fetch latest --keep-sealed', 'to carry it to where the key is'),
  handler: async (chosen) => {
    process.exitCode = await fetch(chosen, io)
  },
})

async function fetch(chosen: Options, io: Io): Promise<Exit> {
  const only = onlyOf(chosen.only)
  const maxSize = maxSizeOf(chosen['max-size'])
  const identities = chosen['keep-sealed'] ? [] : await identitiesOf(chosen, io)
  await using place = await placeOf(chosen, 'read bundles', io)
  const { archive } = place
  const view = await bundleOf(archive, chosen.bundle, io)
  checkOnly(view, only)
  checkIdentities(view, only, identities)
  const directory = chosen.to ?? view.name.bundle
  const own = await claimDirectory(resolve(directory), view.name)
  const fetched = await withProgress(io, (progress) =>
    fetchBundle(archive, view, { directory: own, only, identities, maxSize }, progress, io.signal),
  )
  const left = await unsalvaged(place.uploads, view, io.signal)
  const found = verdict(view, left)
  const lacks = found.lacks.filter(({ artifact, source }) => source === undefined || isWanted(only, artifact, source))
  const here = fetched.filter(({ status }) => status === 'complete' || status === 'truncated')
  const files = here.flatMap((one) => one.files)
  const receipts = view.manifest?.receipts ?? []
  const scripts = await writeGdbFiles(own, files, receipts)
  const kernelSteps = await writeKernelFiles(own, files, receipts)
  const steps = [...salvageSteps(view, left, chosen), ...nextSteps(directory, files, found, scripts), ...kernelSteps]
  if (chosen.output === 'json')
    await sayJson(io.stdout, { ...view.name, status: view.state, directory: resolve(directory), fetched, lacks, steps })
  else {
    const screen = screenOf(io.stdout)
    const lines = [...fetchLines(fetched, screen), ...lackLines(lacks, screen), ...sealedLines(view, fetched)]
    await say(io.stdout, [...lines, ...stepLines('Look at it', steps)])
  }
  return exitOf(fetched, lacks.length, chosen['keep-sealed'])
}

async function withProgress<T>(io: Io, work: (progress: Progress) => Promise<T>): Promise<T> {
  using progress = new Progress(io.stderr)
  return await work(progress)
}

/** Before anything is downloaded: identities that cannot open it are a mistake. */
function checkIdentities(view: BundleView, only: readonly string[] | undefined, identities: readonly Identity[]): void {
  const sealedTo = view.opening?.recipients ?? []
  if (identities.length === 0 || sealedTo.length === 0 || !wanted(view, only).some(({ sealed }) => sealed)) return
  const mine = identities.map(({ recipient }) => recipient.text)
  if (sealedTo.some((recipient) => mine.includes(recipient))) return
  throw cannot(
    `open the bundle ${view.name.bundle}`,
    `it is sealed to ${recipientsTold(sealedTo)}, and the identities given are ${mine.join(', ')}; --keep-sealed fetches it as it is`,
  )
}

function sealedLines({ opening }: BundleView, fetched: readonly Fetched[]): string[] {
  const count = fetched.filter(({ status }) => status === 'sealed').length
  if (count === 0) return []
  const by = opening && recipientsTold(opening.recipients)
  return ['', `${count} sealed, and not opened: that takes an identity (--identity FILE) of ${by ?? 'a recipient'}`]
}

function exitOf(fetched: readonly Fetched[], lacks: number, keepSealed: boolean): Exit {
  if (fetched.some(({ status }) => status === 'failed')) return EXIT.failed
  const whole = (status: Fetched['status']) => status === 'complete' || (keepSealed && status === 'sealed')
  return lacks > 0 || !fetched.every(({ status }) => whole(status)) ? EXIT.incomplete : EXIT.done
}
