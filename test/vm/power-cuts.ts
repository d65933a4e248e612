import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * 30 boots with a power cut at a random moment of draining, in three bundles: the scenario drain-cut, with more cuts than `npm run test:vm` has
 * time for. Takes about an hour. Run as root: node test/vm/power-cuts.ts [--suite trixie]
 */
const BUNDLES = 3
const CUTS = 10

const env = { ...process.env, LASTGASP_FULL: '1', LASTGASP_CUTS: String(CUTS) }
const suite = process.argv.length > 2 ? process.argv.slice(2) : ['--suite', 'trixie']
const run = [
  '--disable-warning=ExperimentalWarning',
  join(import.meta.dirname, 'run.ts'),
  '--only',
  'drain-cut',
  ...suite,
]
let passed = 0
for (let bundle = 0; bundle < BUNDLES; bundle++) {
  const child = spawn(process.execPath, run, { env, stdio: 'inherit' })
  if ((await new Promise((resolve) => child.once('close', resolve))) === 0) passed++
}
console.log(`${passed} of ${BUNDLES} bundles arrived whole and once, of ${BUNDLES * CUTS} boots that were cut short`)
process.exitCode = passed === BUNDLES ? 0 : 1
