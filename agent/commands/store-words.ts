import type { GlobalOptions } from './options.ts'

/** The options that led to a store, for a command that goes there again. */
export function storeWords({ store, set = [] }: Pick<GlobalOptions, 'store' | 'set'>): string[] {
  return [...(store === undefined ? [] : ['--store', store]), ...set.flatMap((setting) => ['--set', setting])]
}
