import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'
import type { Holding } from '../../../agent/operator/bundle/holdings.ts'
import { kernelOf, writeKernelFiles } from '../../../agent/operator/debuggers/kernel-files.ts'
import { landings } from '../../../agent/operator/fetch/landing.ts'
import { filesBelow, setUp } from '../../commands/set-up.ts'
import { bareReceipt, type Piece } from '../bundle/bundle.ts'

const RELEASE = '6.12.107+deb13-cloud-amd64'
const BUILD_ID = 'e1b6c81f7afcf08c49c197583920e5307d281cdf'
const info = (release: string) => `OSRELEASE=${release}\nBUILD-ID=${BUILD_ID}\nPAGESIZE=4096\n`
/** As VMCORE.md has it, from the last note on. */
const vmcore = (text: string) =>
  Buffer.concat([Buffer.from(`\x7fELF${'\0'.repeat(600)}VMCOREINFO\0\0${text}`), Buffer.alloc(8192)])

async function written(t: Test, content: Buffer, scope = 'kernel') {
  const directory = t.testdir({ memory: { vmcore: content } })
  const receipts = [
    bareReceipt('memory', 'complete', {
      artifact: 'memory/vmcore.zst',
      details: { source: 'memory', scope, whole: ['kernel data', 'objects'] },
    }),
  ]
  const steps = await writeKernelFiles(directory, ['memory/vmcore'], receipts)
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  return { directory, steps, read }
}

t.test('the commands that open a snapshot, and where its symbols come from', async (t) => {
  const { steps, read } = await written(t, vmcore(info(RELEASE)), 'kernel\n!rm')
  const vmlinux = `/usr/lib/debug/boot/vmlinux-${RELEASE}`
  t.strictSame(
    steps.map(({ command }) => command),
    [
      `apt-get install linux-image-${RELEASE}-dbg`,
      `drgn -c memory/vmcore -s ${vmlinux} open/vmcore.drgn`,
      `crash --no_crashrc -i open/vmcore.crash ${vmlinux} memory/vmcore`,
    ],
  )
  const page = read('open/vmcore.txt')
  t.match(
    page,
    /^The snapshot: scope kernel\\u\{a\}!rm; whole: kernel data, objects\.\n/,
    'in one line, whatever the host says',
  )
  for (const { command } of steps) t.match(page, `  ${command}\n`)
  t.match(page, `debuginfod-find debuginfo ${BUILD_ID}\n`)
  t.match(page, `vol -s symbols -f memory/vmcore linux.pslist.PsList\n`)
  t.match(read('open/vmcore.crash'), /\nforeach UN bt\n/)
})

t.test('what drgn and crash execute is the same for every bundle', async (t) => {
  const scripts = ({ read }: { read: (name: string) => string }) =>
    ['open/vmcore.drgn', 'open/vmcore.crash'].map((name) => read(name))
  const one = scripts(await written(t, vmcore(info(RELEASE)), 'coding=utf_7'))
  t.strictSame(scripts(await written(t, vmcore(info('5.4.0-1.el9')), '+AAo-import os#')), one)
})

t.test('a kernel of an RPM', async (t) => {
  const { steps } = await written(t, vmcore(info('6.17.4-300.fc43.x86_64')))
  t.match(steps[0]?.command, /^dnf debuginfo-install kernel-core-6\.17\.4-300\.fc43\.x86_64$/)
  t.match(steps[1]?.command, ' -s /usr/lib/debug/lib/modules/6.17.4-300.fc43.x86_64/vmlinux ')
})

const hasPython = spawnSync('python3', ['--version']).status === 0

t.test('what drgn runs is Python', { skip: !hasPython && 'no python3' }, async (t) => {
  const { directory } = await written(t, vmcore(info(RELEASE)))
  const check = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
  t.doesNotThrow(() => execFileSync('python3', ['-c', check, join(directory, 'open/vmcore.drgn')], { stdio: 'pipe' }))
})

t.test('no command for what is no snapshot, or names a kernel as none is named', async (t) => {
  for (const release of [
    '$(reboot)',
    '6.1 -x',
    '-6.1',
    "6'1",
    `6.${'1'.repeat(64)}`,
    '',
    '6.1.+',
    '6..',
    '../6',
    `6${'a'.repeat(60)}!`,
  ]) {
    const { directory, steps } = await written(t, vmcore(info(release)))
    t.strictSame(steps, [], release)
    t.strictSame(await filesBelow(directory), ['memory/vmcore'], release)
  }
  t.strictSame((await written(t, Buffer.alloc(0))).steps, [])
  t.strictSame(await writeKernelFiles(t.testdir({}), ['facts/summary.txt'], []), [])
})

t.test('the kernel by the note alone, not by what lies in memory', (t) => {
  const head = `OSRELEASE=1.0\nVMCOREINFO\0\0OSRELEASE=2.0\nPAGESIZE=4096\n\0\0\nBUILD-ID=${BUILD_ID}\nOSRELEASE=3.0\n`
  t.strictSame(kernelOf(head), { release: '2.0', buildId: undefined })
  t.end()
})

async function memoryPieces(): Promise<Piece[]> {
  const tar = pack()
  tar.entry({ name: 'version' }, 'Linux version 6.12.0\n')
  tar.entry({ name: 'notes' }, 'GNU\n')
  tar.finalize()
  const common = { source: 'memory', encoding: 'frames' } as const
  return [
    { ...common, artifact: 'memory/kernel.tar.zst', content: await buffer(tar) },
    { ...common, artifact: 'memory/vmcore.zst', content: vmcore(info(RELEASE)) },
  ]
}

for (const end of ['closed', 'interrupted'] as const) {
  t.test(`fetch opens both, with a bundle that was ${end}`, async (t) => {
    const { run, to, here, mine } = await setUp(t, { end, pieces: await memoryPieces() })
    const { stdout } = await run('fetch', '--identity', mine, '--only', 'memory')
    const files = await filesBelow(to)
    t.strictSame(
      files.filter((name) => name.startsWith('memory/')),
      ['memory/kernel/notes', 'memory/kernel/version', 'memory/vmcore'],
    )
    t.ok((await here('memory/vmcore')).equals(vmcore(info(RELEASE))))
    t.match(stdout, `drgn -c memory/vmcore -s /usr/lib/debug/boot/vmlinux-${RELEASE} open/vmcore.drgn`)
    writeFileSync(join(to, 'open/vmcore.crash'), 'from elsewhere')
    await run('fetch', '--identity', mine)
    t.notMatch(await here('open/vmcore.crash'), 'elsewhere')
  })
}

t.test('nothing lands where drgn or crash would run it unasked, nor among the unpacked', (t) => {
  const land = (artifact: string, encoding: Holding['encoding'] = 'as-is') =>
    landings([{ artifact, sealed: false, encoding } as Holding], { opening: undefined } as never, true)[0]?.name
  for (const name of [
    '.crashrc',
    'readline.py',
    'memory/ast.py',
    'memory/drgn/__init__.pyc',
    'rlcompleter.cpython-313-x86_64-linux-gnu.so',
    'memory/kernel/version',
    'facts/summary.txt',
    'root/etc/passwd',
  ]) {
    t.match(land(name), /^other\//, name)
    t.match(land(`${name}.zst`, 'frames'), /^other\//, `${name}, decompressed`)
  }
  t.equal(land('executables/5a5a/libz.so'), 'executables/5a5a/libz.so')
  t.equal(land('memory/vmcore.zst', 'frames'), 'memory/vmcore')
  t.end()
})
