import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory outside the project, whose file system may be slow or know no holes; removed after the test. */
export function scratch(t: { teardown(then: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-live-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}
