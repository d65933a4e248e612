import { registerHooks } from 'node:module'

/** Loaded before each test (.taprc): whoever wants the pool gets that of the tests, and only that gets the real one. */
const REAL = new URL('../../agent/streams/pool.ts', import.meta.url).href
const POISONING = new URL('poisoning-pool.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    return resolved.url === REAL && context.parentURL !== POISONING ? { ...resolved, url: POISONING } : resolved
  },
})
