import t from 'tap'
import { archivedName, HEADER_BYTES, parseHeader } from '../../../../agent/collector/host/journal/header.ts'
import { BOOTS, FILES, fixture } from '../../sources/journal/host.ts'

const heads = new Map(FILES.map((name) => [name.slice(0, -'.zst'.length), parseHeader(fixture(name))]))

t.test('headers of real files', async (t) => {
  const live = heads.get('system.journal')
  t.match(live, { state: 'online', entries: 3, bytes: 524288, bootId: BOOTS[2] })
  const archived = [...heads].filter(([name]) => /^system@[0-9a-f]{32}-.*\.journal$/.test(name))
  t.equal(archived.length, 3)
  for (const [name, header] of archived) {
    if (header === undefined) throw new Error(name)
    t.equal(header.state, 'archived')
    t.equal(`${archivedName('system', header)}.journal`, name, 'journald itself chose the name that we derive')
    t.ok(header.headRealtime < header.tailRealtime)
  }
  t.equal(new Set([...heads.values()].map((header) => header?.fileId)).size, heads.size, 'file ids are unique')
})

t.test('what is no journal file', async (t) => {
  const head = fixture('system.journal.zst').subarray(0, HEADER_BYTES)
  t.ok(parseHeader(head))
  t.equal(parseHeader(head.subarray(1)), undefined)
  t.equal(parseHeader(head.subarray(0, -1)), undefined)
  const later = Buffer.from(head)
  later[16] = 3
  t.equal(parseHeader(later), undefined, 'a state that does not exist')
})
