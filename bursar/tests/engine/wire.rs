//! Arguments and results as other languages see them.

use bursar::{Call, Engine, Payload};

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Size {
    width: u32,
    height: Option<u32>,
}

#[bursar::task(name = "images.resize")]
async fn resize(path: String, size: Size) -> Result<Size, String> {
    if path.is_empty() {
        Err("no path".into())
    } else {
        Ok(size)
    }
}

#[bursar::task]
fn nothing() {}

fn json(payload: &Payload) -> &str {
    std::str::from_utf8(payload.as_json().unwrap()).unwrap()
}

#[tokio::test]
async fn arguments_are_an_array_in_the_order_of_the_parameters() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let size = Size {
        width: 9_007_199,
        height: None,
    };
    let job = engine
        .submit(resize::call("a\u{1f600}\".png".into(), size).delay("1h"))
        .await
        .unwrap();
    let info = job.info().await.unwrap();
    assert_eq!(
        json(&info.args),
        r#"["a😀\".png",{"width":9007199,"height":null}]"#
    );
    assert_eq!(&*info.spec.task, "images.resize");

    let closure = engine
        .task("closure")
        .delay("1h")
        .run(|size: Size| async move { size.width })
        .unwrap();
    let job = closure
        .call(Size {
            width: 1,
            height: Some(2),
        })
        .await
        .unwrap();
    assert_eq!(
        json(&job.info().await.unwrap().args),
        r#"[{"width":1,"height":2}]"#
    );
}

#[tokio::test]
async fn nothing_takes_no_bytes() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let job = engine.submit(nothing::call()).await.unwrap();
    job.result().await.unwrap();
    let info = job.info().await.unwrap();
    assert!(matches!(
        (info.args, info.result),
        (Payload::Null, Some(Payload::Null))
    ));
}

#[tokio::test]
async fn a_call_by_name_is_the_same_call() {
    let engine = Engine::open("memory:")
        .task(resize::task())
        .task(nothing::task())
        .start()
        .await
        .unwrap();
    let call = Call::<Size>::named("images.resize", ("a.png", serde_json::json!({"width": 7})));
    let size = engine.submit(call).await.unwrap().result().await.unwrap();
    assert_eq!(
        size,
        Size {
            width: 7,
            height: None
        }
    );
    let empty: [u8; 0] = [];
    for call in [
        Call::<()>::named(nothing::task().name(), ()),
        Call::named(nothing::task().name(), empty.as_slice()),
    ] {
        engine.submit(call).await.unwrap().result().await.unwrap();
    }
}

#[tokio::test]
async fn wrong_arguments_fail_at_once_and_are_named() {
    let engine = Engine::open("memory:")
        .task(resize::task().retries(5))
        .start()
        .await
        .unwrap();
    let run = |call: Call<Size>| {
        let submit = engine.submit(call);
        async move {
            submit
                .await
                .unwrap()
                .result()
                .await
                .unwrap_err()
                .to_string()
        }
    };
    let said = run(Call::named("images.resize", ("a.png",))).await;
    assert!(
        said.contains("InvalidArguments: argument size is missing"),
        "{said}"
    );
    let said = run(Call::named("images.resize", (1, 2))).await;
    assert!(
        said.contains("argument path: invalid type: integer `1`"),
        "{said}"
    );
    let said = run(Call::named(
        "images.resize",
        (
            "a",
            Size {
                width: 1,
                height: None,
            },
            3,
            4,
        ),
    ))
    .await;
    assert!(said.contains("takes 2 arguments and was given 4"), "{said}");
}

#[tokio::test]
async fn a_result_of_another_type_is_told() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let job = engine.submit(nothing::call()).await.unwrap();
    let error = job.clone().typed::<u32>().result().await.unwrap_err();
    assert!(
        error.to_string().contains("the result is not a u32"),
        "{error}"
    );
    job.result().await.unwrap();
}

#[tokio::test]
async fn a_plain_call_stays_a_plain_call() {
    let size = Size {
        width: 1,
        height: None,
    };
    assert_eq!(resize(String::new(), size).await, Err("no path".to_owned()));
    nothing();
}

/// A parameter may have any name, also that of the function.
#[bursar::task(
    priority = "high",
    memory = 1_000,
    cpu = 0.5,
    tokens(gpu = 1),
    timeout = 5
)]
#[allow(clippy::too_many_arguments)]
fn call(call: u8, mut handler: u8, _unused: u8, task: u8) -> u8 {
    handler += call;
    handler + task
}

#[tokio::test]
async fn every_option_of_the_attribute_arrives() {
    let engine = Engine::open("memory:")
        .tokens([("gpu", 1)])
        .start()
        .await
        .unwrap();
    let job = engine.submit(call::call(1, 2, 3, 4)).await.unwrap();
    assert_eq!(job.result().await.unwrap(), 7);
    let spec = job.info().await.unwrap().spec;
    assert_eq!(
        (spec.priority, spec.demand.memory, spec.demand.cpu),
        (bursar::Priority::High, 1_000, 500)
    );
    assert_eq!(
        (&*spec.demand.tokens[0].0, spec.timeout.unwrap().as_secs()),
        ("gpu", 5)
    );
    assert_eq!(&*spec.task, concat!(module_path!(), "::call"));
}
