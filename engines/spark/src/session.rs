//! The session on the cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{process, sync::mpsc, thread};

use spark_connect::{SparkError, SparkSession};
use spark_connect_core::channel::ChannelBuilder;
use spark_connect_core::client::SparkConnectClient;
use spark_connect_core::reattach::ExecutePlanResponseReattachableIterator;
use spark_connect_core::retries::RetryPolicy;
use spark_connect_core::runtime::block_on;
use spark_connect_proto as proto;

use crate::cells;
use crate::problem::{Kind, Problem, UNAVAILABLE};
use crate::wire::{Answer, Request, say};

/// How long a server may take to answer the first call: one that has just started takes its time.
const FIRST_ANSWER: Duration = Duration::from_secs(60);
/// How often it is asked whether it is still there, and how often in a row it may fail to answer.
const PULSE: Duration = Duration::from_secs(3);
const MISSED: u32 = 4;
/// How often in a row a call is made anew that the network has lost.
const TRIES: u32 = 10;
/// How often progress is told.
const EVERY: Duration = Duration::from_millis(250);

/// A session, a line of our own for what the session's reader cannot say, and one to the same server
/// on which nothing is ever repeated.
#[derive(Clone)]
pub struct Session {
    spark: SparkSession,
    pulse: Arc<SparkConnectClient>,
    own: Arc<SparkConnectClient>,
    busy: Arc<AtomicBool>,
    remote: String,
    /// The server's version.
    pub version: String,
}

impl Session {
    /// Connects, and has one answer.
    pub fn connect(remote: &str) -> Result<Self, Problem> {
        let address =
            ChannelBuilder::parse(remote).map_err(|error| Problem::new(Kind::Address, error.message()))?;
        let endpoint = address.endpoint();
        let mut pulse = block_on(SparkConnectClient::connect(&address))
            .map_err(|error| Problem::new(Kind::Address, error.message()))?;
        pulse.set_retry_policy(RetryPolicy::no_retries());
        let pulse = Arc::new(pulse);
        let first = Self::ask(&pulse, FIRST_ANSWER).map_err(|problem| match problem.kind {
            Kind::Refused => problem,
            _ => Problem { kind: Kind::Unreachable, message: format!("{endpoint}: {}", problem.message) },
        });
        first?;
        let own = block_on(SparkConnectClient::connect(&address))?;
        let spark = SparkSession::builder().remote(remote).get_or_create()?;
        for (key, value) in [
            ("spark.sql.session.timeZone", "UTC"),
            // Overflow is an error, and so is a cast that loses something.
            ("spark.sql.ansi.enabled", "true"),
        ] {
            spark.conf().set(key, value)?;
        }
        // Not every server that speaks the protocol tells.
        let version = spark.version().unwrap_or_else(|_| "of an unknown version".to_owned());
        Ok(Self { spark, pulse, own: Arc::new(own), busy: Arc::default(), remote: endpoint, version })
    }

    /// One call, without repeating it.
    fn ask(pulse: &Arc<SparkConnectClient>, within: Duration) -> Result<(), Problem> {
        let (sender, answer) = mpsc::channel();
        let client = Arc::clone(pulse);
        thread::spawn(move || {
            let _ = sender.send(block_on(client.get_configs(&["spark.sql.session.timeZone"])));
        });
        match answer.recv_timeout(within) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => {
                Err(Problem::new(Kind::Unreachable, format!("no answer within {} s", within.as_secs())))
            }
        }
    }

    /// Looks after the server from now on: once it is gone, this program says so and ends, whatever
    /// the client still hopes for.
    pub fn watch(&self) {
        let this = self.clone();
        thread::spawn(move || {
            let mut missed = 0;
            loop {
                thread::sleep(PULSE);
                if !this.busy.load(Ordering::Relaxed) {
                    missed = 0;
                    continue;
                }
                match Self::ask(&this.pulse, PULSE * 10) {
                    Ok(()) => missed = 0,
                    Err(problem) => {
                        missed += 1;
                        if missed >= MISSED {
                            let message = format!("{}: {}", this.remote, problem.message);
                            say(&Answer::Failed(Problem { kind: Kind::Lost, message }));
                            process::exit(1);
                        }
                    }
                }
            }
        });
    }

    /// Cancels what runs, and gives the session back.
    pub fn leave(&self) {
        let spark = self.spark.clone();
        let busy = self.busy.load(Ordering::Relaxed);
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            if busy {
                let _ = spark.interrupt_all();
            }
            let _ = spark.stop();
            let _ = sender.send(());
        });
        let _ = done.recv_timeout(Duration::from_secs(10));
    }

    /// Does what is asked for.
    pub fn answer(&self, request: Request) -> Result<Answer, Problem> {
        self.busy.store(true, Ordering::Relaxed);
        let answer = self.work(request);
        self.busy.store(false, Ordering::Relaxed);
        answer
    }

    /// Executes a plan to its end.
    ///
    /// A server ends the stream of answers every two minutes, and expects to be asked for the rest. The
    /// client of 4.2.0 takes that for the end, and what had not come by then would be missing without a
    /// word: so the end is what the server calls one, and nothing else.
    fn execute(
        &self,
        plan: proto::Plan,
        mut batch: impl FnMut(proto::execute_plan_response::ArrowBatch) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        use proto::execute_plan_response::ResponseType;

        let call = ExecutePlanResponseReattachableIterator::new(proto::ExecutePlanRequest {
            session_id: self.spark.session_id().to_owned(),
            user_context: Some(proto::UserContext {
                user_id: self.own.user_id().unwrap_or_default().to_owned(),
                ..Default::default()
            }),
            plan: Some(plan),
            ..Default::default()
        });
        let (mut begun, mut tries, mut told) = (false, 0, Instant::now());
        loop {
            let answers = match begun {
                false => block_on(self.own.execute_plan(call.request().clone())),
                true => {
                    block_on(async { self.own.reattach_execute(call.create_reattach_request().await).await })
                }
            };
            let mut answers = match answers {
                Ok(answers) => answers,
                Err(error) if passes(&error, &mut tries) => continue,
                Err(error) => return Err(error.into()),
            };
            begun = true;
            loop {
                match block_on(answers.message()) {
                    Ok(Some(answer)) => {
                        tries = 0;
                        block_on(call.set_last_response_id(&answer));
                        match answer.response_type {
                            Some(ResponseType::ArrowBatch(rows)) => batch(rows)?,
                            Some(ResponseType::ExecutionProgress(progress)) if told.elapsed() >= EVERY => {
                                told = Instant::now();
                                let stages = &progress.stages;
                                say(&Answer::Progress {
                                    done: stages.iter().map(|stage| stage.num_completed_tasks).sum(),
                                    tasks: stages.iter().map(|stage| stage.num_tasks).sum(),
                                    bytes: stages.iter().map(|stage| stage.input_bytes_read).sum(),
                                });
                            }
                            _ => {}
                        }
                    }
                    Ok(None) if block_on(call.is_completed()) => {
                        // The server may forget the answers; unless it hears so, it does in time.
                        let _ = block_on(async {
                            self.own.release_execute(call.create_release_request(true).await).await
                        });
                        return Ok(());
                    }
                    Ok(None) => break,
                    Err(status) => {
                        let error = SparkError::from_grpc_status(status);
                        match passes(&error, &mut tries) {
                            true => break,
                            false => return Err(error.into()),
                        }
                    }
                }
            }
        }
    }

    /// Makes a view.
    fn make_view(&self, name: String, input: proto::relation::RelType) -> Result<(), Problem> {
        let input = Some(relation(input));
        let command = proto::CreateDataFrameViewCommand { input, name, is_global: false, replace: true };
        self.execute(command_of(proto::command::CommandType::CreateDataframeView(command)), |_| Ok(()))
    }

    fn work(&self, request: Request) -> Result<Answer, Problem> {
        match request {
            Request::Open { view, format, schema, options, paths } => {
                let read = proto::read::DataSource {
                    format: Some(format),
                    schema,
                    options: options.into_iter().collect(),
                    paths,
                    ..Default::default()
                };
                // The client's own reader takes one path; the protocol takes them all.
                let read_type = Some(proto::read::ReadType::DataSource(read));
                let read = proto::Read { read_type, ..Default::default() };
                self.make_view(view, proto::relation::RelType::Read(read))?;
            }
            Request::Send { view, columns } => {
                let (data, schema) = cells::relation(columns)?;
                let local = proto::LocalRelation { data: Some(data.into()), schema: Some(schema) };
                self.make_view(view, proto::relation::RelType::LocalRelation(local))?;
            }
            Request::View { view, sql } => self.make_view(view, query(sql))?,
            Request::Keep { view } => {
                // A server that keeps nothing reads again.
                match self.execute(rows_of(format!("CACHE LAZY TABLE {view}")), |_| Ok(())) {
                    Err(problem) if problem.kind == Kind::Lost => return Err(problem),
                    _ => {}
                }
            }
            Request::Collect { sql } => {
                self.execute(rows_of(sql), |batch| {
                    for rows in cells::batches(&batch.data)? {
                        say(&Answer::Rows(cells::columns(&rows)?));
                    }
                    Ok(())
                })?;
            }
            Request::Write { sql, sorted_by, path } => {
                self.execute(written(sql, sorted_by, path), |_| Ok(()))?
            }
        }
        Ok(Answer::Done {})
    }
}

/// A query as the protocol has it.
fn query(sql: String) -> proto::relation::RelType {
    proto::relation::RelType::Sql(proto::Sql { query: sql, ..Default::default() })
}

/// A relation without further words on it.
fn relation(of: proto::relation::RelType) -> proto::Relation {
    proto::Relation { rel_type: Some(of), ..Default::default() }
}

/// A plan for the rows of a query.
fn rows_of(sql: String) -> proto::Plan {
    proto::Plan { op_type: Some(proto::plan::OpType::Root(relation(query(sql)))) }
}

/// A plan that is a command.
fn command_of(command: proto::command::CommandType) -> proto::Plan {
    let command = proto::Command { command_type: Some(command) };
    proto::Plan { op_type: Some(proto::plan::OpType::Command(command)) }
}

/// A plan that writes the rows of a query: brought together first and then sorted, so that one file
/// has them all in their order.
fn written(sql: String, sorted_by: Vec<String>, path: String) -> proto::Plan {
    use proto::expression::sort_order::{NullOrdering, SortDirection};
    use proto::relation::RelType;

    let together = proto::Repartition {
        input: Some(Box::new(relation(query(sql)))),
        num_partitions: 1,
        shuffle: Some(true),
    };
    let order = sorted_by.into_iter().map(|column| {
        let column = proto::expression::UnresolvedAttribute {
            // Some columns have the names of words of SQL.
            unparsed_identifier: format!("`{column}`"),
            ..Default::default()
        };
        let column = proto::expression::ExprType::UnresolvedAttribute(column);
        proto::expression::SortOrder {
            child: Some(Box::new(proto::Expression { expr_type: Some(column), ..Default::default() })),
            direction: SortDirection::Ascending.into(),
            null_ordering: NullOrdering::SortNullsFirst.into(),
        }
    });
    let sorted = proto::Sort {
        input: Some(Box::new(relation(RelType::Repartition(Box::new(together))))),
        order: order.collect(),
        is_global: Some(true),
    };
    let write = proto::WriteOperation {
        input: Some(relation(RelType::Sort(Box::new(sorted)))),
        source: Some("parquet".to_owned()),
        save_type: Some(proto::write_operation::SaveType::Path(path)),
        mode: proto::write_operation::SaveMode::ErrorIfExists.into(),
        options: [("compression".to_owned(), "zstd".to_owned())].into(),
        ..Default::default()
    };
    command_of(proto::command::CommandType::WriteOperation(write))
}

/// Whether an error may pass, after a moment; one that does not is found by [`Session::watch`].
fn passes(error: &SparkError, tries: &mut u32) -> bool {
    *tries += 1;
    let passes =
        error.grpc_code() == Some(UNAVAILABLE) || error.message().contains("INVALID_CURSOR.DISCONNECTED");
    if passes && *tries <= TRIES {
        thread::sleep(Duration::from_secs(1));
    }
    passes && *tries <= TRIES
}
