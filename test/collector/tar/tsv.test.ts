import t from 'tap'
import { tsv } from '../../../agent/collector/tar/tsv.ts'

t.test('a cell is one cell, whatever a process calls itself', async (t) => {
  t.equal(tsv(['name', 'size'], [['a\tb\u202ec', undefined]]), 'name\tsize\na\\u{9}b\\u{202e}c\t-\n')
})
