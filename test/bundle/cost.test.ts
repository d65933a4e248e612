import { readFileSync } from 'node:fs'
import t from 'tap'
import { costTable, HEALTHY } from '../../scripts/bench/cost.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

t.test('the README says what healthy deaths cost, as it is computed', (t) => {
  t.ok(README.includes(`\n${costTable()}\n`), 'scripts/bench/cost.ts prints it')
  t.ok(README.includes(`at most ${HEALTHY.requests} requests`))
  t.end()
})

t.test('and it is computed right', (t) => {
  // 10,000 of 12 requests at $5 a million; 9.77 GiB at $0.023; 1.86 GiB.
  t.match(costTable(), /^\| Amazon S3, us-east-1 \| \$0\.60 \| \$0\.22 \| \$0\.82 \| \$0\.04 \| \$0\.64 \|$/m)
  t.match(costTable(), /^\| Cloudflare R2 \| \$0\.54 \| \$0\.15 \| \$0\.69 \| \$0\.03 \| \$0\.57 \|$/m)
  t.end()
})
