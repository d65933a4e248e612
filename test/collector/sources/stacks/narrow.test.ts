import t, { type Test } from 'tap'
import { isThirtyTwoBit } from '../../../../agent/collector/host/auxiliary-vector.ts'
import type { System } from '../../../../agent/collector/host/ffi.ts'
import { liveSource } from '../../../../agent/collector/sources/live/source.ts'
import type { SourceContext } from '../../../../agent/collector/sources/source.ts'
import { stacksSource } from '../../../../agent/collector/sources/stacks/source.ts'
import { systemCallName } from '../../../../agent/collector/sources/stacks/system-calls.ts'
import { defaultSettings } from '../../../../agent/settings/schema.ts'
import { contextOf, looked } from '../../looking.ts'
import { readAll } from '../../reading.ts'

/** Types and values of an auxiliary vector, with words of so many bits: AT_SYSINFO_EHDR, AT_PAGESZ, the end. */
function auxv(bits: 32 | 64): Buffer {
  const bytes = Buffer.alloc((6 * bits) / 8)
  for (const [at, word] of [33, 0xf7f00000, 6, 4096, 0, 0].entries()) bytes.writeUInt32LE(word, (at * bits) / 8)
  return bytes
}

const STAT = '(old) S 1 7 7 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 4711 4096000 100 1 2 3 4 5 6 7 8 9'

const MAPS = '08048000-08049000 r-xp 00000000 fe:00 7 /srv/old\n'

/** A host on which one service is a 32-bit program that waits in pause(2). */
function host(t: Test): string {
  const task = {
    stat: `7 ${STAT}\n`,
    syscall: '29 0x0 0x0 0x0 0x0 0x0 0x0 0xffb0 0x8049000\n',
    auxv: auxv(32),
    maps: MAPS,
  }
  const process = { ...task, status: 'Uid:\t0\nRssAnon:\t 300 kB\nTracerPid:\t0\n', cgroup: '0::/old.service\n' }
  const self = { status: 'CapEff:\t000001ffffffffff\n' }
  return t.testdir({ proc: { '7': { ...process, task: { '7': task } }, self } })
}

const untouched = () => {
  throw new Error('nobody is to be stopped for it')
}
const system: System = { kind: 'linux', ptrace: untouched, ptraceRead: untouched, poll: untouched } as unknown as System

function context(root: string): SourceContext {
  const seal = { ...defaultSettings().seal, unsealed: 'allow' as const }
  const settings = {
    ...{ ...defaultSettings(), seal, stacks: { processes: ['services'], interval: 0 } },
    live: { ...defaultSettings().live, cores: ['services'] },
  }
  return contextOf(root, settings)
}

t.test('a 32-bit process is in the table, by its own system calls, and nothing is missing', async (t) => {
  const { found } = await looked(stacksSource(system), context(host(t)))
  const { content, outcome } = await readAll(found[0])
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity, { threads: 1, details: { processes: 1, narrow: 1 } })
  t.match(
    content.toString('latin1'),
    /^7\told\.service\t-\t-\t-\told\t-\t7\told\tS\t-\t-\tpause\t.*\t0xffb0\t0x8049000/m,
  )
  t.match(content.toString('latin1'), /\tit is a 32-bit program, of which we write no core$/m)
})

t.test('its full core is left out as the settings have it', async (t) => {
  const { found } = await looked(liveSource(system), context(host(t)))
  await t.rejects(readAll(found[0]), { because: 'limit', message: /32-bit program.*live\.with = "gcore"/ })
})

t.test('which width a process has', async (t) => {
  t.ok(isThirtyTwoBit(auxv(32)))
  t.notOk(isThirtyTwoBit(auxv(64)))
  t.notOk(isThirtyTwoBit(Buffer.alloc(0)))
  t.equal(systemCallName('ia32', 7), 'waitpid')
  t.equal(systemCallName('x64', 7), 'poll')
  t.equal(systemCallName('ia32', 422), 'futex')
  t.equal(systemCallName('arm', 7), '7')
})
