/** CloudFormation puts them on what its stacks own: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html */
export const STACK_TAG = 'aws:cloudformation:stack-name'
