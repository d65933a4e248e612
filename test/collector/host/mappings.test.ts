import t from 'tap'
import { parseMapping } from '../../../agent/collector/host/mappings.ts'

t.test('a line of maps', async (t) => {
  t.same(
    parseMapping('7f00a000-7f00c000 r-xp 0001a000 08:01 4711                       /usr/lib/my lib.so (deleted)'),
    {
      ...{ start: 0x7f00a000, end: 0x7f00c000, permissions: 'r-xp', offset: 0x1a000, device: '08:01', inode: 4711 },
      path: '/usr/lib/my lib.so (deleted)',
    },
  )
  t.match(parseMapping('7ffd0-7ffd1 rw-p 00000000 00:00 0'), { inode: 0, path: '' })
  t.match(parseMapping('7ffd0-7ffd1 rw-p 00000000 00:00 7 /a\\012b'), { path: '/a\nb' })
  for (const line of ['', 'Rss:                 4 kB', 'VmFlags: rd ex']) t.equal(parseMapping(line), undefined)
})
