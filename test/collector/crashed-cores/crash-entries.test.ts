import t from 'tap'
import { crashOf } from '../../../agent/collector/crashed-cores/crash-entries.ts'

const entry = (fields: Record<string, string>) =>
  new Map(Object.entries(fields).map(([name, value]) => [`COREDUMP_${name}`, value]))

t.test('what the journal tells of a crash', async (t) => {
  const container = 'ab'.repeat(32)
  const fields = {
    UNIT: 'docker.service',
    EXE: '/app/shop',
    SIGNAL: '11',
    PACKAGE_NAME: 'shop',
    PACKAGE_VERSION: '1.2~3-1',
  }
  t.strictSame(crashOf(entry({ ...fields, CGROUP: `/system.slice/docker-${container}.scope` })), {
    ...{ truncated: false, unit: 'docker.service', exe: '/app/shop', container, package: 'shop 1.2~3-1', signal: 11 },
  })
  t.strictSame(crashOf(entry({ TRUNCATED: '1', CGROUP: '/user.slice' })), { truncated: true })
})

t.test('what a package says of itself is no more than a name and a version', async (t) => {
  for (const name of ['two words', 'x'.repeat(81), 'a\nb', ''])
    t.strictSame(crashOf(entry({ PACKAGE_NAME: name, PACKAGE_VERSION: '1' })), { truncated: false }, name)
  t.strictSame(crashOf(entry({ PACKAGE_NAME: 'alone' })), { truncated: false })
})
