"""The Pulumi program: one stack is one environment of the pipeline."""

import pulumi

from pipeline import FileMetadataPipeline, Settings

pipeline = FileMetadataPipeline(
    "file-metadata", Settings.from_config(pulumi.Config(), pulumi.get_stack())
)

pulumi.export("S3BucketName", pipeline.bucket_name)
pulumi.export("S3BucketURL", pipeline.bucket_url)
pulumi.export("DynamoDBTableName", pipeline.table_name)
pulumi.export("LambdaFunctionName", pipeline.function_name)
pulumi.export("FailureQueueUrl", pipeline.failure_queue_url)
pulumi.export("DashboardUrl", pipeline.dashboard_url)
pulumi.export("AlarmTopicArn", pipeline.alarm_topic_arn)
pulumi.export("BatchOperationsRoleArn", pipeline.batch_operations_role_arn)
