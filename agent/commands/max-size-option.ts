import { sentence } from '../words/cannot.ts'
import { parseBytes } from '../words/units.ts'
import { Ending, EXIT } from './io.ts'

/** How much a bundle may become here, for the commands that expand what it holds. */
export const maxSizeOption = {
  'max-size': {
    type: 'string',
    requiresArg: true,
    describe:
      'How large all of it may become: 20GiB (default: 100 times its size in the store, or 512MiB if that is more)',
  },
} as const

/** The bytes of `--max-size 20GiB`; undefined where it was not given. */
export function maxSizeOf(chosen: string | undefined): number | undefined {
  try {
    return chosen === undefined ? undefined : parseBytes(chosen)
  } catch (error) {
    throw new Ending(EXIT.usage, `cannot use --max-size: ${sentence(error)}`, { cause: error })
  }
}
