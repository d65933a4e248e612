import { join } from 'node:path'
import t from 'tap'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { canTrace } from '../../../agent/collector/live-core/preflight.ts'

const system = openSystem()

function host(capabilities: string, yama?: string): string {
  return t.testdir({
    proc: {
      self: { status: `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${capabilities}\n` },
      ...(yama !== undefined && { sys: { kernel: { yama: { ptrace_scope: yama } } } }),
    },
  })
}

t.test('what keeps processes from being traced', async (t) => {
  t.same(canTrace(system, host('0000000000080000')), { ok: true })
  t.same(canTrace(system, host('0000000000080000', '2\n')), { ok: true })
  t.same(canTrace(system, host('000001fffff7ffff')), { ok: false, reason: 'the collector has no CAP_SYS_PTRACE' })
  const yama = { ok: false, reason: 'the kernel lets nobody trace: kernel.yama.ptrace_scope is 3' }
  t.same(canTrace(system, host('000001ffffffffff', '3\n')), yama)
  const missing = { kind: 'missing', reason: 'Node v20 has no node:ffi' } as const
  const reason = 'processes cannot be traced: Node v20 has no node:ffi'
  t.same(canTrace(missing, host('000001ffffffffff')), { ok: false, reason })
  t.match(canTrace(system, join(host('0'), 'nothing')), { ok: false, reason: /cannot tell its own capabilities/ })
})
