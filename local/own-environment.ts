/**
 * What this machine says of AWS, in the environment and in the home folder, is for programs that go there. The local cloud's own clients
 * know where they go: none of it must reach them, or what they start.
 */
export function forgetAws(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  process.env['AWS_CONFIG_FILE'] = '/dev/null'
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/dev/null'
}
