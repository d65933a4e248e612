import type { CommandModule, InferredOptionTypes } from 'yargs'
import { holdings } from '../operator/bundle/holdings.ts'
import { Progress } from '../operator/terminal/progress.ts'
import { wrap } from '../operator/terminal/table.ts'
import { lackLines } from '../operator/verdict/show-lines.ts'
import { verdict } from '../operator/verdict/verdict.ts'
import { verifyBundle } from '../operator/verify/verify-bundle.ts'
import { NOT_PROVEN, verifyLines } from '../operator/verify/verify-lines.ts'
import { bundleOf, bundleOption } from './bundle-option.ts'
import { EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import { maxSizeOf, maxSizeOption } from './max-size-option.ts'
import { archiveOf, type GlobalOptions, identitiesOf } from './options.ts'

type Options = GlobalOptions & InferredOptionTypes<typeof bundleOption & typeof maxSizeOption>

/** `lastgasp verify` */
export const verifyCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'verify <bundle>',
  describe: 'Read all of a bundle and check it: every hash, every seal, every frame',
  builder: (yargs) =>
    yargs
      .positional('bundle', bundleOption.bundle)
      .options(maxSizeOption)
      .example('$0 verify latest --identity key.txt', 'with what is inside the seals')
      .example('$0 verify web-7/latest -o json', 'for a script; without an identity, hashes and what is not sealed'),
  handler: async (chosen) => {
    process.exitCode = await verify(chosen, io)
  },
})

async function verify(chosen: Options, io: Io): Promise<Exit> {
  const maxSize = maxSizeOf(chosen['max-size'])
  const identities = await identitiesOf(chosen, io)
  await using archive = await archiveOf(chosen, io)
  const view = await bundleOf(archive, chosen.bundle, io)
  const verified = await withProgress()
  const { lacks } = verdict(view)
  const unopened = identities.length === 0 ? holdings(view).filter(({ sealed }) => sealed).length : 0
  if (chosen.output === 'json')
    await sayJson(io.stdout, {
      ...view.name,
      status: view.state,
      verified,
      lacks,
      unopened,
      sender: 'not proven',
    })
  else {
    const screen = screenOf(io.stdout)
    const note = unopened === 0 ? [] : ['', `${unopened} sealed, and not looked into: that takes --identity FILE`]
    const lines = [...verifyLines(verified, screen), ...lackLines(lacks, screen), ...note]
    await say(io.stdout, [...lines, '', ...wrap(NOT_PROVEN, screen.width ?? Infinity)])
  }
  if (verified.some(({ status }) => status === 'failed')) return EXIT.failed
  return lacks.length > 0 || verified.some(({ status }) => status !== 'ok') ? EXIT.incomplete : EXIT.done

  async function withProgress() {
    using progress = new Progress(io.stderr)
    return await verifyBundle(archive, view, { identities, maxSize }, progress, io.signal)
  }
}
