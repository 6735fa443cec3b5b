//! Which actions and resources do generated statements speak of?
//!
//! Real names: a policy of invented ones would be refused, or read as one that can never match.

/// A service, as generated statements know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Its action prefix.
    pub(crate) prefix: &'static str,
    /// The ARN of a resource up to its name.
    pub(crate) resource: &'static str,
    /// Some of its actions, without the prefix.
    pub(crate) actions: [&'static str; 8],
}

const fn service(prefix: &'static str, resource: &'static str, actions: [&'static str; 8]) -> Service {
    Service { prefix, resource, actions }
}

/// The service of the one request that a generated set is asked: see [`crate::workload`].
pub(crate) const ASKED: Service = service(
    "dynamodb",
    "arn:aws:dynamodb:us-east-1:111122223333:table/",
    ["BatchGetItem", "DeleteItem", "DescribeTable", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"],
);

/// Every service of generated statements.
#[rustfmt::skip]
pub(crate) const SERVICES: [Service; 48] = [
    ASKED,
    service("s3", "arn:aws:s3:::", ["DeleteObject", "GetBucketLocation", "GetObject", "GetObjectTagging", "ListBucket", "PutBucketPolicy", "PutObject", "PutObjectTagging"]),
    service("ec2", "arn:aws:ec2:us-east-1:111122223333:instance/", ["AttachVolume", "DetachVolume", "GetConsoleOutput", "ModifyInstanceAttribute", "MonitorInstances", "RebootInstances", "StartInstances", "StopInstances"]),
    service("sqs", "arn:aws:sqs:us-east-1:111122223333:", ["ChangeMessageVisibility", "CreateQueue", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "PurgeQueue", "ReceiveMessage", "SendMessage"]),
    service("sns", "arn:aws:sns:us-east-1:111122223333:", ["AddPermission", "CreateTopic", "DeleteTopic", "GetTopicAttributes", "ListTagsForResource", "Publish", "SetTopicAttributes", "Subscribe"]),
    service("lambda", "arn:aws:lambda:us-east-1:111122223333:function:", ["AddPermission", "DeleteFunction", "GetFunction", "GetFunctionConfiguration", "InvokeFunction", "PublishVersion", "UpdateFunctionCode", "UpdateFunctionConfiguration"]),
    service("kms", "arn:aws:kms:us-east-1:111122223333:key/", ["CreateGrant", "Decrypt", "DescribeKey", "DisableKey", "Encrypt", "GenerateDataKey", "GetKeyPolicy", "Sign"]),
    service("secretsmanager", "arn:aws:secretsmanager:us-east-1:111122223333:secret:", ["CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "ListSecretVersionIds", "PutSecretValue", "RotateSecret", "UpdateSecret"]),
    service("ssm", "arn:aws:ssm:us-east-1:111122223333:parameter/", ["AddTagsToResource", "DeleteParameter", "GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath", "LabelParameterVersion", "PutParameter"]),
    service("ecr", "arn:aws:ecr:us-east-1:111122223333:repository/", ["BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "DescribeImages", "GetDownloadUrlForLayer", "InitiateLayerUpload", "ListImages", "PutImage"]),
    service("ecs", "arn:aws:ecs:us-east-1:111122223333:cluster/", ["DeleteCluster", "DescribeClusters", "ListAttributes", "ListTagsForResource", "PutClusterCapacityProviders", "TagResource", "UpdateCluster", "UpdateClusterSettings"]),
    service("eks", "arn:aws:eks:us-east-1:111122223333:cluster/", ["AccessKubernetesApi", "CreateNodegroup", "DeleteCluster", "DescribeCluster", "ListFargateProfiles", "ListNodegroups", "TagResource", "UpdateClusterConfig"]),
    service("rds", "arn:aws:rds:us-east-1:111122223333:db:", ["AddTagsToResource", "CreateDBSnapshot", "DeleteDBInstance", "DescribeDBInstances", "DescribeDBLogFiles", "ModifyDBInstance", "RebootDBInstance", "StopDBInstance"]),
    service("logs", "arn:aws:logs:us-east-1:111122223333:log-group:", ["CreateLogGroup", "CreateLogStream", "DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents", "GetLogRecord", "PutRetentionPolicy", "StartQuery"]),
    service("cloudwatch", "arn:aws:cloudwatch:us-east-1:111122223333:alarm:", ["DeleteAlarms", "DescribeAlarmHistory", "DescribeAlarms", "DisableAlarmActions", "EnableAlarmActions", "ListTagsForResource", "PutCompositeAlarm", "PutMetricAlarm"]),
    service("events", "arn:aws:events:us-east-1:111122223333:rule/", ["DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTargetsByRule", "PutRule", "PutTargets", "RemoveTargets"]),
    service("states", "arn:aws:states:us-east-1:111122223333:stateMachine:", ["CreateStateMachine", "DeleteStateMachine", "DescribeStateMachine", "ListExecutions", "ListTagsForResource", "StartExecution", "StartSyncExecution", "UpdateStateMachine"]),
    service("kinesis", "arn:aws:kinesis:us-east-1:111122223333:stream/", ["AddTagsToStream", "CreateStream", "DescribeStream", "GetRecords", "GetShardIterator", "ListShards", "PutRecord", "PutRecords"]),
    service("firehose", "arn:aws:firehose:us-east-1:111122223333:deliverystream/", ["CreateDeliveryStream", "DeleteDeliveryStream", "DescribeDeliveryStream", "ListTagsForDeliveryStream", "PutRecord", "PutRecordBatch", "TagDeliveryStream", "UpdateDestination"]),
    service("glue", "arn:aws:glue:us-east-1:111122223333:database/", ["CreateDatabase", "CreateTable", "DeleteTable", "GetDatabase", "GetPartitions", "GetTable", "GetTables", "UpdateTable"]),
    service("athena", "arn:aws:athena:us-east-1:111122223333:workgroup/", ["BatchGetQueryExecution", "CreateNamedQuery", "GetQueryExecution", "GetQueryResults", "GetWorkGroup", "ListQueryExecutions", "StartQueryExecution", "StopQueryExecution"]),
    service("codebuild", "arn:aws:codebuild:us-east-1:111122223333:project/", ["BatchGetBuilds", "BatchGetProjects", "CreateProject", "CreateWebhook", "DeleteProject", "RetryBuild", "StartBuild", "StopBuild"]),
    service("codepipeline", "arn:aws:codepipeline:us-east-1:111122223333:", ["CreatePipeline", "DeletePipeline", "GetPipeline", "GetPipelineState", "ListPipelineExecutions", "StartPipelineExecution", "StopPipelineExecution", "UpdatePipeline"]),
    service("codecommit", "arn:aws:codecommit:us-east-1:111122223333:", ["CreateBranch", "CreatePullRequest", "GetBranch", "GetCommit", "GetFile", "GitPull", "GitPush", "MergePullRequestBySquash"]),
    service("cognito-idp", "arn:aws:cognito-idp:us-east-1:111122223333:userpool/", ["AdminCreateUser", "AdminDeleteUser", "AdminGetUser", "AdminSetUserPassword", "DescribeUserPool", "GetGroup", "ListUsers", "UpdateUserPool"]),
    service("acm", "arn:aws:acm:us-east-1:111122223333:certificate/", ["AddTagsToCertificate", "DeleteCertificate", "DescribeCertificate", "ExportCertificate", "GetCertificate", "ImportCertificate", "ListTagsForCertificate", "RenewCertificate"]),
    service("elasticloadbalancing", "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/", ["AddTags", "CreateTargetGroup", "DeleteTargetGroup", "DeregisterTargets", "ModifyTargetGroup", "ModifyTargetGroupAttributes", "RegisterTargets", "RemoveTags"]),
    service("autoscaling", "arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:", ["AttachInstances", "DeletePolicy", "DetachInstances", "PutScalingPolicy", "ResumeProcesses", "SetDesiredCapacity", "SuspendProcesses", "UpdateAutoScalingGroup"]),
    service("route53", "arn:aws:route53:::hostedzone/", ["AssociateVPCWithHostedZone", "ChangeResourceRecordSets", "ChangeTagsForResource", "DeleteHostedZone", "GetDNSSEC", "GetHostedZone", "ListResourceRecordSets", "ListTagsForResource"]),
    service("cloudfront", "arn:aws:cloudfront::111122223333:distribution/", ["CreateDistribution", "CreateInvalidation", "DeleteDistribution", "GetDistribution", "GetDistributionConfig", "ListInvalidations", "TagResource", "UpdateDistribution"]),
    service("wafv2", "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/", ["AssociateWebACL", "CreateWebACL", "DeleteWebACL", "GetLoggingConfiguration", "GetSampledRequests", "GetWebACL", "ListResourcesForWebACL", "UpdateWebACL"]),
    service("backup", "arn:aws:backup:us-east-1:111122223333:backup-vault:", ["CopyIntoBackupVault", "CreateBackupVault", "DeleteBackupVault", "DescribeBackupVault", "GetBackupVaultAccessPolicy", "ListRecoveryPointsByBackupVault", "PutBackupVaultAccessPolicy", "StartBackupJob"]),
    service("batch", "arn:aws:batch:us-east-1:111122223333:job-queue/", ["CreateJobQueue", "DeleteJobQueue", "GetJobQueueSnapshot", "ListTagsForResource", "SubmitJob", "TagResource", "UntagResource", "UpdateJobQueue"]),
    service("cloudformation", "arn:aws:cloudformation:us-east-1:111122223333:stack/", ["CreateChangeSet", "CreateStack", "DeleteStack", "DescribeStackEvents", "DescribeStacks", "ExecuteChangeSet", "GetTemplate", "UpdateStack"]),
    service("cloudtrail", "arn:aws:cloudtrail:us-east-1:111122223333:trail/", ["AddTags", "CreateTrail", "DeleteTrail", "GetEventSelectors", "GetTrail", "GetTrailStatus", "StartLogging", "StopLogging"]),
    service("ds", "arn:aws:ds:us-east-1:111122223333:directory/", ["AddIpRoutes", "CreateAlias", "DeleteDirectory", "DescribeTrusts", "DisableSso", "EnableSso", "ResetUserPassword", "ShareDirectory"]),
    service("elasticfilesystem", "arn:aws:elasticfilesystem:us-east-1:111122223333:file-system/", ["ClientMount", "ClientRootAccess", "ClientWrite", "CreateAccessPoint", "CreateMountTarget", "DeleteFileSystem", "DescribeMountTargets", "TagResource"]),
    service("elasticache", "arn:aws:elasticache:us-east-1:111122223333:replicationgroup:", ["AddTagsToResource", "Connect", "CreateSnapshot", "DeleteReplicationGroup", "DescribeReplicationGroups", "IncreaseReplicaCount", "ModifyReplicationGroup", "TestFailover"]),
    service("es", "arn:aws:es:us-east-1:111122223333:domain/", ["AddTags", "CreateDomain", "DeleteDomain", "DescribeDomain", "ESHttpGet", "ESHttpPost", "ESHttpPut", "UpdateDomainConfig"]),
    service("fsx", "arn:aws:fsx:us-east-1:111122223333:file-system/", ["CreateBackup", "CreateDataRepositoryTask", "CreateFileSystem", "DeleteFileSystem", "DescribeFileSystemAliases", "ListTagsForResource", "TagResource", "UpdateFileSystem"]),
    service("glacier", "arn:aws:glacier:us-east-1:111122223333:vaults/", ["AbortMultipartUpload", "CreateVault", "DeleteArchive", "DescribeVault", "GetJobOutput", "InitiateJob", "ListParts", "UploadArchive"]),
    service("guardduty", "arn:aws:guardduty:us-east-1:111122223333:detector/", ["CreateFilter", "DeleteDetector", "GetDetector", "GetFindings", "ListFindings", "ListTagsForResource", "TagResource", "UpdateDetector"]),
    service("iot", "arn:aws:iot:us-east-1:111122223333:thing/", ["AddThingToThingGroup", "CreateThing", "DeleteThing", "DescribeThing", "GetThingShadow", "ListThingPrincipals", "UpdateThing", "UpdateThingShadow"]),
    service("kafka", "arn:aws:kafka:us-east-1:111122223333:cluster/", ["BatchAssociateScramSecret", "DeleteCluster", "DescribeCluster", "GetBootstrapBrokers", "ListScramSecrets", "RebootBroker", "TagResource", "UpdateBrokerCount"]),
    service("mq", "arn:aws:mq:us-east-1:111122223333:broker:", ["CreateUser", "DeleteBroker", "DeleteUser", "DescribeBroker", "DescribeUser", "ListUsers", "RebootBroker", "UpdateBroker"]),
    service("rekognition", "arn:aws:rekognition:us-east-1:111122223333:collection/", ["AssociateFaces", "CreateUser", "DeleteFaces", "DescribeCollection", "IndexFaces", "ListFaces", "SearchFaces", "SearchUsers"]),
    service("ses", "arn:aws:ses:us-east-1:111122223333:identity/", ["CreateEmailIdentity", "DeleteEmailIdentity", "GetEmailIdentity", "ListTagsForResource", "SendBulkEmail", "SendEmail", "SendRawEmail", "TagResource"]),
    service("transfer", "arn:aws:transfer:us-east-1:111122223333:server/", ["CreateUser", "DeleteServer", "DescribeServer", "ListUsers", "StartServer", "StopServer", "TestIdentityProvider", "UpdateServer"]),
];
