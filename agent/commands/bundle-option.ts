import type { BundleView } from '../operator/bundle/bundle-view.ts'
import { viewBundle } from '../operator/bundle/bundle-view.ts'
import { findBundles } from '../operator/catalogue/find-bundles.ts'
import type { Archive } from '../store/store.ts'
import { Ending, EXIT, type Io } from './io.ts'

/** How a bundle is named on the command line; the same for every command that takes one. */
export const bundleOption = {
  bundle: {
    type: 'string',
    demandOption: true,
    describe: 'Its id or the beginning of it, "latest", or HOST/ in front of either',
  },
} as const

/** Bundles that are named when a reference means several. */
const TOLD = 5

/** The one bundle that a reference means. */
export async function bundleOf(archive: Archive, reference: string, io: Io): Promise<BundleView> {
  const now = Date.now()
  const [entry, ...others] = await findBundles(archive, reference, now, io.signal)
  if (entry === undefined) {
    const hint = 'a bundle is named by the beginning of its id, "latest" or HOST/latest; "lastgasp list --all" has all'
    throw new Ending(EXIT.nothing, `cannot find the bundle "${reference}" in ${archive.url}: ${hint}`)
  }
  if (others.length > 0) {
    const told = [entry, ...others].slice(0, TOLD).map(({ identity, bundle }) => `${identity}/${bundle}`)
    const more = others.length >= TOLD ? ', …' : ''
    throw new Ending(EXIT.usage, `cannot tell which bundle "${reference}" means: ${told.join(', ')}${more}`)
  }
  return await viewBundle(archive, entry, now, io.signal)
}
