import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/**
 * Loaded by `--import` into every process of a mutant's tests: the file of MUTANT_URL has the text of MUTANT_SOURCE. Children inherit it.
 * Which process loaded what is told in the file of MUTANT_LOADS.
 */
const { MUTANT_URL: target, MUTANT_SOURCE: source, MUTANT_LOADS: loads } = process.env
registerHooks({
  load(url, context, next) {
    if (loads !== undefined && url.startsWith('file:')) appendFileSync(loads, `${process.pid} ${url}\n`)
    if (url !== target || source === undefined) return next(url, context)
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})
