import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * 100 power cuts in a capture of 256 MiB, each salvaged: the scenario power-cut, ten cuts of one machine at a time. What came of each is kept below
 * .cache/vm/power-cuts, and goes on there when it was interrupted. Takes about two hours. Run as root: node test/vm/salvage-cuts.ts [--suite bookworm]
 */
const CUTS = 100
const AT_A_TIME = 10

const suite = process.argv.length > 2 ? process.argv.slice(2) : ['--suite', 'trixie']
const run = [
  '--disable-warning=ExperimentalWarning',
  join(import.meta.dirname, 'run.ts'),
  '--only',
  'power-cut',
  ...suite,
]
let failed = 0
for (let from = 0; from < CUTS; from += AT_A_TIME) {
  const env = { ...process.env, LASTGASP_FULL: '1', LASTGASP_CUTS: `${AT_A_TIME}`, LASTGASP_CUTS_FROM: `${from}` }
  const child = spawn(process.execPath, run, { env, stdio: 'inherit' })
  if ((await new Promise((resolve) => child.once('close', resolve))) !== 0) failed++
}
console.log(
  failed === 0
    ? `all of ${CUTS} bundles were whole as far as they had come`
    : `${failed} runs of ${AT_A_TIME} cuts failed`,
)
process.exitCode = failed === 0 ? 0 : 1
