// circle-client: every call that it offers.
const { call, env, print } = require(process.env.TRYING);
const { default: CircleClient } = require("circle-client");


CircleClient.baseUrl = `${env.URL_OF_SERVER}/api/v2`;
const client = new CircleClient(env.TOKEN, env.SLUG);

(async () => {
  const me = await call("getMe", () => client.getMe());
  await call("getUser", () => client.getUser(me.id));
  await call("getCollaborations", () => client.getCollaborations());
  await call("getProject", () => client.getProject());
  const key = await call("createCheckoutKey", () => client.createCheckoutKey("deploy-key"));
  await call("getCheckoutKey", () => client.getCheckoutKey(key.fingerprint));
  await call("listCheckoutKeys", () => client.listCheckoutKeys());
  await call("deleteCheckoutKey", () => client.deleteCheckoutKey(key.fingerprint));
  await call("createEnvVar", () => client.createEnvVar("NAME", "a long value"));
  await call("getEnvVar", () => client.getEnvVar("NAME"));
  await call("listEnvVars", () => client.listEnvVars());
  await call("deleteEnvVar", () => client.deleteEnvVar("NAME"));
  const owner = { slug: "gh/acme", type: "organization" };
  const context = await call("createContext", () =>
    client.createContext(`of-${env.SLUG.split("/")[2]}`, owner),
  );
  await call("getContext", () => client.getContext(context.id));
  await call("listContexts", () => client.listContexts({ ownerSlug: "gh/acme" }));
  await call("createContextEnvVar", () => client.createContextEnvVar(context.id, "KEY", "value"));
  await call("listContextEnvVars", () => client.listContextEnvVars(context.id));
  await call("deleteContextEnvVar", () => client.deleteContextEnvVar(context.id, "KEY"));
  await call("deleteContext", () => client.deleteContext(context.id));

  await call("listPipelines", () => client.listPipelines("gh/acme", { onlyMine: true }));
  await call("listProjectPipelines", () => client.listProjectPipelines({ branch: "main" }));
  await call("listOwnProjectPipelines", () => client.listOwnProjectPipelines());
  await call("getProjectPipeline", () => client.getProjectPipeline(1));
  await call("getPipeline", () => client.getPipeline(env.PIPELINE));
  await call("getPipelineConfig", () => client.getPipelineConfig(env.PIPELINE));
  const flows = await call("listPipelineWorkflows", () =>
    client.listPipelineWorkflows(env.PIPELINE),
  );
  const flow = flows.items[0].id;
  await call("getWorkflow", () => client.getWorkflow(flow));
  await call("listWorkflowJobs", () => client.listWorkflowJobs(flow));
  await call("getJob", () => client.getJob(1));
  await call("listJobArtifacts", () => client.listJobArtifacts(1));
  await call("listJobTests", () => client.listJobTests(1));
  await call("listWorkflowMetrics", () => client.listWorkflowMetrics());
  await call("listWorkflowRuns", () => client.listWorkflowRuns("main"));
  await call("listWorkflowJobMetrics", () => client.listWorkflowJobMetrics("main"));
  await call("listWorkflowJobRuns", () => client.listWorkflowJobRuns("main", "build"));
  const [hold] = (await client.listWorkflowJobs(env.HELD_WORKFLOW)).items;
  await call("approveWorkflowJob", () =>
    client.approveWorkflowJob(env.HELD_WORKFLOW, hold.approval_request_id),
  );
  await call("triggerProjectPipeline", () => client.triggerProjectPipeline({ branch: "main" }));
  await call("rerunWorkflow", () => client.rerunWorkflow(env.ENDED_WORKFLOW));
  await call("cancelWorkflow", () => client.cancelWorkflow(flow));
  await call("cancelJob", () => client.cancelJob(1));
  print();
})();
