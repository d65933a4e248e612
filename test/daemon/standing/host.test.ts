import { arch, hostname, release } from 'node:os'
import t from 'tap'
import { describeHost } from '../../../agent/daemon/standing/host.ts'

const never = new AbortController().signal
const MACHINE = '4444444444444444444444444444cafe'
const host = { kernel: release(), arch: arch() }

t.test('what a host says of itself', async (t) => {
  const root = t.testdir({
    etc: { 'machine-id': `${MACHINE}\n`, 'os-release': 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n' },
    proc: { sys: { kernel: { hostname: 'web-1\n', random: { boot_id: '9c8b-7a\n' } } } },
  })
  t.strictSame(await describeHost(root, never), {
    ...{ name: 'web-1', machineId: MACHINE, bootId: '9c8b7a', os: 'Debian GNU/Linux 13 (trixie)' },
    ...host,
  })
})

t.test('what it does not say is left out, and what nobody can read in time', async (t) => {
  t.strictSame(await describeHost(t.testdir({}), never), { name: hostname(), ...host })
  const root = t.testdir({ etc: { 'machine-id': MACHINE } })
  t.strictSame(await describeHost(root, AbortSignal.abort()), { name: hostname(), ...host })
})
