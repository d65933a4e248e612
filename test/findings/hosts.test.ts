import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findingsOf } from '../../agent/findings/findings.ts'
import { shortly } from '../vm/shortly.ts'
import { readHosts } from './hosts/read-hosts.ts'

const HOSTS = join(import.meta.dirname, 'hosts')

t.test('what was seen of real hosts amounts to what they suffered from', async (t) => {
  for (const file of readdirSync(HOSTS).filter((name) => name.endsWith('.ndjson'))) {
    const hosts = await readHosts(join(HOSTS, file), (path) => readFile(path, 'utf8'))
    t.ok(hosts.length > 0, file)
    for (const { first, seen } of hosts) {
      const [finding] = findingsOf(seen)
      t.equal(finding && shortly(finding), first, `${file}: ${first}`)
    }
  }
})
