"""The optional role with which S3 Batch Operations backfills a very large bucket."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import function as functions
from . import role_policies
from .bucket_reference import AnyBucket
from .processor import Processor
from .shared import Shared


@dataclass(frozen=True, kw_only=True)
class BatchOperationsArgs:
    """The bucket and the function of a job."""

    shared: Shared
    bucket: AnyBucket
    processor: Processor


class BatchOperations(pulumi.ComponentResource):
    """A role that lists the bucket and invokes the function, for `ops backfill --batch-job`."""

    role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: BatchOperationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("file-metadata:index:BatchOperations", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        role = functions.role(
            f"{name}-role", role_policies.trust_batch_operations(), args.shared, child
        )
        aws.iam.RolePolicy(
            f"{name}-permissions",
            role=role.name,
            policy=pulumi.Output.json_dumps(
                pulumi.Output.all(
                    bucket_arn=args.bucket.bucket_arn, function_arn=args.processor.function_arn
                ).apply(lambda arns: role_policies.run_batch_jobs(**arns))
            ),
            opts=child,
        )
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn})
