"""Makes a server ask for credentials: a user who may list and get objects of one bucket, but not put.

    guard.py http://127.0.0.1:PORT BUCKET     prints the user's key and secret
"""
import json
import sys
import urllib.request

import boto3

url, bucket = sys.argv[1:]
root = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "root", "aws_secret_access_key": "root"}
boto3.client("s3", **root).create_bucket(Bucket=bucket)
iam = boto3.client("iam", **root)
iam.create_user(UserName="reader")
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"}],
}
iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="reader")["AccessKey"]
boto3.client("s3", **root).put_object(Bucket=bucket, Key="charts/notes.txt", Body=b"no export")
# From here on the server looks at signatures and policies.
headers = {"Content-Type": "text/plain"}
request = urllib.request.Request(f"{url}/moto-api/reset-auth", data=b"0", headers=headers, method="POST")
urllib.request.urlopen(request).read()
print(key["AccessKeyId"], key["SecretAccessKey"])
