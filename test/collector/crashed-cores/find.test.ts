import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findCores } from '../../../agent/collector/crashed-cores/find.ts'
import { hanging } from '../host/open-descriptors.ts'

const scattered = { kind: 'scattered', text: 'core' } as const

for (const path of ['proc/self/mountinfo', 'proc/sys/fs/protected_hardlinks'])
  t.test(`${path} that does not answer costs no more than the signal allows`, async (t) => {
    const root = t.testdir({ cores: { 'core.1': 'x' } })
    mkdirSync(join(root, path, '..'), { recursive: true })
    hanging(t, join(root, path))
    await t.rejects(findCores(root, ['/cores'], scattered, AbortSignal.timeout(50)), { name: 'TimeoutError' })
  })
