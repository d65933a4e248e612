import { PassThrough } from 'node:stream'
import t from 'tap'
import { type Bar, barLine, Progress } from '../../../agent/operator/terminal/progress.ts'

const bar = (more: Partial<Bar>): Bar => ({
  name: 'cores/app.core.zst',
  total: 1000,
  from: 0,
  done: 500,
  began: 0,
  ...more,
})

t.test('a line of progress fits the terminal', async (t) => {
  for (const width of [40, 80, 120]) {
    const line = barLine(bar({ name: `cores/${'long-'.repeat(40)}.core.zst` }), 1000, width)
    t.ok(line.length < width, `${line.length} of ${width}`)
  }
  t.match(barLine(bar({}), 1000, 80), /cores\/app\.core\.zst .*\[#{10}-{10}\].*500B\/1000B {2}500B\/s/)
  t.match(barLine(bar({ from: 400 }), 1000, 80), / 100B\/s/, 'what was here before is not counted as speed')
  t.match(barLine(bar({ total: 0, done: 0 }), 0, 80), /\[#{20}\]/, 'nothing to bring is all of it')
  t.match(barLine(bar({ done: 5000 }), 1000, 80), /\[#{20}\]/, 'more than was expected')
  t.notMatch(barLine(bar({ name: '\x1b[2J' }), 1000, 80), '\x1b')
})

t.test('where nobody looks, a plain line for each that is done', async (t) => {
  const stream = new PassThrough()
  const progress = new Progress(stream as unknown as NodeJS.WriteStream)
  const chunks = async function* () {
    yield Buffer.alloc(1024)
    yield Buffer.alloc(1024)
  }
  let bytes = 0
  for await (const chunk of progress.follow('facts.tar.zst', 4096, 2048, chunks())) bytes += chunk.length
  progress[Symbol.dispose]()
  t.equal(bytes, 2048, 'the chunks pass')
  t.match(String(stream.read()), /^facts\.tar\.zst: 4KiB \(2KiB of it were here\) in \S+\n$/)
})
