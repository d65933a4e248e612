import type { BundleView } from '../operator/bundle/bundle-view.ts'
import type { Step } from '../operator/debuggers/next-steps.ts'
import type { Unsalvaged } from '../operator/salvage/unsalvaged.ts'
import { shellWord } from '../operator/terminal/shell-word.ts'
import { formatBytes } from '../words/units.ts'
import type { GlobalOptions } from './options.ts'
import { storeWords } from './store-words.ts'

/** What to type for what has arrived and cannot be read yet; nothing where there is none. */
export function salvageSteps({ name }: BundleView, { uploads }: Unsalvaged, chosen: GlobalOptions): Step[] {
  if (uploads.length === 0) return []
  const bytes = uploads.reduce((sum, upload) => sum + upload.bytes, 0)
  const words = ['lastgasp', 'salvage', name.bundle, ...storeWords(chosen)]
  return [{ about: `${formatBytes(bytes)} more`, command: words.map(shellWord).join(' ') }]
}
