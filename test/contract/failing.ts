import type { StoreFailure } from '../../agent/store/store.ts'

/** For `t.rejects`: a StoreError of this kind, and with such a message. */
export function failing(failure: StoreFailure, message: RegExp = /^cannot /): Error {
  // Cast, for tap takes errors only, and compares fields by pattern.
  return { name: 'StoreError', failure, message } as unknown as Error
}
