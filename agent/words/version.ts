import { readFile } from 'node:fs/promises'

/** Version of lastgasp: the package.json beside `agent/` says it, in a checkout and in an image alike. */
export async function version(): Promise<string> {
  const json: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((json as { version?: unknown }).version)
}
