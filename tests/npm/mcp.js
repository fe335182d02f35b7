// @circleci/mcp-server-circleci: its tools, called as an assistant calls them.
const path = require("path");
const { call, env, print } = require(process.env.TRYING);
const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = require("@modelcontextprotocol/sdk/client/stdio.js");

const program = path.join(env.NODE_PATH, "@circleci/mcp-server-circleci/dist/index.js");
const client = new Client({ name: "tests", version: "1" });
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [program],
  env: {
    PATH: env.PATH,
    HOME: env.OUTPUT,
    CIRCLECI_TOKEN: env.TOKEN,
    CIRCLECI_BASE_URL: env.URL_OF_SERVER,
    CIRCLECI_DISABLE_TELEMETRY: "true",
    DISABLE_TELEMETRY: "true",
  },
  cwd: env.OUTPUT,
  stderr: "ignore",
});

async function tool(name, params, as = name) {
  return call(as, async () => {
    const said = await client.callTool({ name, arguments: { params } });
    const text = said.content.map((part) => part.text).join("\n");
    if (said.isError) throw text;
    return text;
  });
}

(async () => {
  await client.connect(transport);
  const here = { projectSlug: env.SLUG, branch: "main" };
  await call("tools", async () => (await client.listTools()).tools.map((it) => it.name));
  await tool("list_followed_projects", {});
  await tool("config_helper", { configFile: "version: 2.1\njobs: {}\n" });
  await tool("get_latest_pipeline_status", here);
  await tool("get_build_failure_logs", here);
  await tool("get_job_test_results", here);
  await tool("find_flaky_tests", { projectSlug: env.SLUG });
  await tool("list_artifacts", here);
  await tool("run_pipeline", here);
  const configContent = env.CONFIG_OF_OURS;
  await tool("run_pipeline", { ...here, configContent }, "run_pipeline with a config");
  await tool("list_component_versions", { projectSlug: env.SLUG });
  const versions = { currentVersion: "2", targetVersion: "1", namespace: "" };
  const what = { environmentName: "prod", componentName: "web", ...versions };
  await tool("run_rollback_pipeline", { projectSlug: env.SLUG, ...what });
  await tool("rerun_workflow", { workflowId: env.ENDED_WORKFLOW });
  await client.close();
  print();
})();
