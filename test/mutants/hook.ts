import { registerHooks } from 'node:module'

/**
 * Loaded by `--import` into every process of a mutant's tests: the file of MUTANT_URL has the text of MUTANT_SOURCE. Children inherit it.
 */
const { MUTANT_URL: target, MUTANT_SOURCE: source } = process.env
registerHooks({
  load(url, context, next) {
    if (url !== target || source === undefined) return next(url, context)
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})
