"""Which calls leave an entry in the audit log."""

from tests.api.conftest import Town


async def test_each_call_leaves_one_entry_and_refused_ones_none(town: Town):
    workflow, slug = f"/api/v2/workflow/{town.workflow.id}", "/api/v2/project/gh/acme/web"
    calls = {
        f"{slug}/pipeline": "triggerPipeline",
        f"{workflow}/approve/{town.approval.id}": "approvePendingApprovalJobById",
        f"{workflow}/cancel": "cancelWorkflow",
        f"{workflow}/rerun": "rerunWorkflow",
        f"{slug}/job/1/cancel": "cancelJobByJobNumber",
        f"/api/v2/jobs/{town.build.id}/cancel": "cancelJobByJobID",
    }
    for target in calls:
        assert (await town.client("vic").post(target)).status == 403
        assert (await town.client("eve").post(target)).status == 404
        assert (await town.client(None).post(target)).status == 401
        assert (await town.client().post(target)).status < 300
    assert [(it.target, it.operation) for it in town.world.deeds] == list(calls.items())
