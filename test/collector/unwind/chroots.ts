import { spawn } from 'node:child_process'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debian, exists, SUITES, type Suite } from '../../../scripts/vm/base.ts'

/**
 * The unwinder against gdb with what other Debians compile, link and run: their C libraries, compilers, interpreters, and their gdb. Takes some minutes and
 * 2.5 GB below .cache/chroots for each. Run as root: node test/collector/unwind/chroots.ts [trixie]...
 */
const PROJECT = join(import.meta.dirname, '../../..')
const LIMIT_MS = 60 * 60_000
const TEST = 'test/collector/unwind/gdb.test.ts'

const signal = AbortSignal.timeout(LIMIT_MS)
const wanted = process.argv.slice(2)
const failed: string[] = []
for (const suite of SUITES.filter((suite) => wanted.length === 0 || wanted.includes(suite))) {
  if (!(await passes(suite, await chroot(suite)))) failed.push(suite)
}
console.log(failed.length === 0 ? 'all passed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

async function chroot(suite: Suite): Promise<string> {
  const home = join(PROJECT, '.cache/chroots')
  const tree = join(home, suite)
  if (await exists(tree)) return tree
  await mkdir(home, { recursive: true })
  const packages = (await readFile(join(PROJECT, 'scripts/languages.txt'), 'utf8')).trim().split('\n')
  const partial = `${tree}.${process.pid}.partial`
  try {
    await debian(suite, 'minbase', packages, partial, signal)
    await rename(partial, tree)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return tree
}

/** Runs a test there, in a namespace of mounts that goes with it. Prints what the judge compared, and what failed. */
async function passes(suite: Suite, tree: string): Promise<boolean> {
  console.log(`== ${suite}`)
  const script = [
    'mkdir -p "$tree/mnt"',
    'mount --bind "$project" "$tree/mnt"',
    'mount --rbind /dev "$tree/dev"',
    'mount -t proc proc "$tree/proc"',
    'exec chroot "$tree" env -C /mnt node_modules/.bin/node --import=./test/streams/with-poison.ts --disable-warning=ExperimentalWarning "$test"',
  ].join(' && ')
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    HOME: '/root',
    tree,
    project: PROJECT,
    test: TEST,
  }
  const child = spawn('unshare', ['--mount', '--fork', '--kill-child', 'sh', '-c', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text))
  const code = await new Promise((resolve) => child.once('close', resolve))
  await writeFile(`${tree}.tap`, said)
  const told = said.split('\n').filter((line) => /^ *(?:not ok|# .* of \d+ frames|ok .*# SKIP)/.test(line))
  console.log([...told, `all of it: ${tree}.tap`].join('\n'))
  return code === 0
}
